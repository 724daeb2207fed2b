package io.github.cuframes.producer.cli;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.slf4j.LoggerFactory;

/**
 * SIGHUP. The JDK has no supported way to hear of a signal, and {@code sun.misc.Signal}, which all JDKs have in the module
 * jdk.unsupported, cannot be named without a warning: hence by reflection. Where it is missing a SIGHUP ends the process as
 * SIGTERM does, and changed files are noticed all the same.
 */
final class HangUp {

    private static final String NAME = "HUP";

    private HangUp() {}

    /** Calls back for each SIGHUP, on a thread of the JVM's. */
    static void listen(Runnable callback) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object proxy = Proxy.newProxyInstance(
                    HangUp.class.getClassLoader(), new Class<?>[] {handler}, (self, method, arguments) -> {
                        return switch (method.getName()) {
                            case "handle" -> {
                                callback.run();
                                yield null;
                            }
                            case "equals" -> self == arguments[0];
                            case "hashCode" -> System.identityHashCode(self);
                            default -> "SIGHUP";
                        };
                    });
            signal.getMethod("handle", signal, handler)
                    .invoke(null, signal.getConstructor(String.class).newInstance(NAME), proxy);
        } catch (InvocationTargetException e) { // the JVM was started with -Xrs
            notHeard(e.getCause());
        } catch (ReflectiveOperationException e) {
            notHeard(e);
        }
    }

    private static void notHeard(Throwable why) {
        LoggerFactory.getLogger("cuframes")
                .warn("SIGHUP is not heard ({}); a changed file is noticed all the same", why.toString());
    }
}
