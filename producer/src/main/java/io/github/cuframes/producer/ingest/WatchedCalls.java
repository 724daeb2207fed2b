package io.github.cuframes.producer.ingest;

import io.github.cuframes.producer.decode.Decoder;
import io.github.cuframes.producer.decode.FilterGraph;
import io.github.cuframes.producer.decode.FrameWriter;
import io.github.cuframes.producer.watch.AbandonedException;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.producer.watch.NativeCall;
import java.io.IOException;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/**
 * The native calls of a camera's thread, each under its watch. (Source and writers bracket those calls themselves that lie
 * between waits of another kind.) Whatever is called here may throw {@link AbandonedException}, with its work done.
 */
final class WatchedCalls {

    private final CallWatch watch;
    private long decodeNanos;

    WatchedCalls(CallWatch watch) {
        this.watch = watch;
    }

    /** What {@link #setUp} brackets. */
    @FunctionalInterface
    interface Preparation {
        void run() throws IOException;
    }

    void setUp(Preparation preparation) throws IOException {
        watch.enter(NativeCall.SET_UP);
        try {
            preparation.run();
        } finally {
            watch.exit();
        }
    }

    void open(Source source) throws IOException {
        watch.enter(NativeCall.OPEN);
        try {
            source.open();
        } finally {
            watch.exit();
        }
    }

    void close(Source source) {
        watch.enter(NativeCall.CLOSE_INPUT);
        try {
            source.close();
        } finally {
            watch.exit();
        }
    }

    Decoder openDecoder(Source source, IngestOptions options, FrameWriter writer) throws IOException {
        watch.enter(NativeCall.OPEN_DECODER);
        Decoder opened = null;
        try {
            opened = new Decoder(source.codecParameters(), source.timeBase(), options.decoder(), writer);
        } finally {
            try {
                watch.exit();
            } catch (AbandonedException e) {
                if (opened != null) {
                    opened.close(); // the caller gets none
                }
                throw e;
            }
        }
        return opened;
    }

    void close(Decoder decoder) {
        watch.enter(NativeCall.CLOSE_DECODER);
        try {
            decoder.close();
        } finally {
            watch.exit();
        }
    }

    boolean send(Decoder decoder, AVPacket packet, long tag) throws IOException {
        watch.enter(NativeCall.SEND);
        long start = System.nanoTime();
        try {
            return decoder.send(packet, tag);
        } finally {
            decodeNanos += System.nanoTime() - start;
            watch.exit();
        }
    }

    Decoder.Receive receive(Decoder decoder, AVFrame frame) throws IOException {
        watch.enter(NativeCall.RECEIVE);
        long start = System.nanoTime();
        try {
            return decoder.receive(frame);
        } finally {
            decodeNanos += System.nanoTime() - start;
            watch.exit();
        }
    }

    /** The time that {@link #send} and {@link #receive} took since this was asked last. */
    long takeDecodeNanos() {
        long taken = decodeNanos;
        decodeNanos = 0;
        return taken;
    }

    void flush(Decoder decoder) {
        watch.enter(NativeCall.SEND);
        try {
            decoder.flush();
        } finally {
            watch.exit();
        }
    }

    void push(FilterGraph filter, AVFrame frame) throws IOException {
        watch.enter(NativeCall.FILTER);
        try {
            filter.push(frame);
        } finally {
            watch.exit();
        }
    }

    boolean pull(FilterGraph filter, AVFrame frame) throws IOException {
        watch.enter(NativeCall.FILTER);
        try {
            return filter.pull(frame);
        } finally {
            watch.exit();
        }
    }

    void end(FilterGraph filter) throws IOException {
        watch.enter(NativeCall.FILTER);
        try {
            filter.end();
        } finally {
            watch.exit();
        }
    }
}
