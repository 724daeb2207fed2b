package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.standin.StandInControl.Kind;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each call of the driver on the subscriber's way fails once, the first, the second … */
@Timeout(120)
class GpuRefusalTest extends GpuFixture {

    private static final int OUT_OF_MEMORY = 2;

    /** What fails to give something back has not given it back; that nobody else suffers is all that can be asked. */
    private static final Set<String> ENDINGS = Set.of(
            "cuMemUnmap",
            "cuMemAddressFree",
            "cuMemRelease",
            "cuEventDestroy_v2",
            "cuStreamDestroy_v2",
            "cuDevicePrimaryCtxRelease_v2",
            "cuCtxPushCurrent_v2",
            "cuCtxPopCurrent_v2");

    /** A whole life; whether the driver failed in a way that the application is told of. */
    private boolean live(SubscriberBuilder builder) throws Exception {
        boolean told = false;
        Client client = null;
        Script<Client> script = Script.start(() -> {
            Client accepted = publisher.accept();
            accepted.expect(Message.Hello.class);
            accepted.welcome();
            if (accepted.receive() instanceof Message.Failure) {
                return accepted;
            }
            accepted.memory(0);
            for (int i = 0; i < 3; i++) {
                accepted.deliver(i);
            }
            return accepted;
        });
        try (Subscriber subscriber = builder.connect()) {
            client = script.join();
            ByteBuffer rows = ByteBuffer.allocateDirect(64 * 48);
            try (Frame frame = subscriber.next(LONG)) {
                frame.download(0, rows);
                frame.awaitOn(0);
            }
            Frame frame = subscriber.next(LONG);
            try {
                frame.releaseAfter(0);
            } finally {
                frame.close();
            }
            subscriber.next(LONG).close();
        } catch (SubscriberException e) {
            told = true;
            assertTrue(e.getMessage().contains("(2)") || e.getMessage().contains("GPU"), e.getMessage());
        } finally {
            client = client == null ? script.join() : client;
            client.close();
        }
        await(PendingPoller.SHARED::isIdle);
        return told;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nothingStaysBehind(boolean copies) throws Exception {
        SubscriberBuilder builder = copies ? builder().gpu("1").copyToMyGpu(true) : builder();
        for (int i = 0; i < 3; i++) {
            publisher.write(i, 0);
        }
        assertFalse(live(builder)); // the process's first questions are asked
        StandIn.reset();
        assertFalse(live(builder));
        assertNothingLeft();
        List<String> functions = new ArrayList<>(gpu.called().keySet());
        assertTrue(functions.contains("cuEventRecord"), functions.toString());
        assertEquals(copies, functions.contains("cuMemcpyPeerAsync"), functions.toString());
        functions.sort(
                Comparator.comparing(ENDINGS::contains)); // last, since they leave something that changes the way
        functions.removeIf(name -> name.startsWith("cuGetError"));
        for (String function : functions) {
            int failed = 0;
            for (int nth = 1; nth < 20 && failed == nth - 1; nth++) {
                Map<Kind, Long> now = StandIn.reset().live();
                gpu.fail(function, nth, OUT_OF_MEMORY);
                boolean told = live(builder);
                if (gpu.failuresLeft() == 0) {
                    failed++;
                    if (!ENDINGS.contains(function)) {
                        assertTrue(told || function.equals("cuEventQuery"), function + " " + nth);
                        assertEquals(now, gpu.live(), function + " " + nth);
                    }
                }
                StandIn.reset();
            }
            // a copy that was quick needs no waiting for
            assertTrue(failed > 0 || function.equals("cuStreamWaitEvent"), function);
        }
    }
}
