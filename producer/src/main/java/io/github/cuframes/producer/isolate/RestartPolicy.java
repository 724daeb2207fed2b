package io.github.cuframes.producer.isolate;

import java.time.Duration;
import java.util.Objects;

/**
 * When a supervisor takes a worker for hung, and how it starts it again.
 *
 * @param heartbeat the longest time from one heartbeat to the next
 * @param start the longest time from a process's start to its first heartbeat
 * @param stop how long a worker that was told to end may take before it is killed
 * @param firstRestart the wait before the first restart, shortened at random by up to a half; doubled for each after it
 * @param longestRestart the longest wait
 * @param steady a worker that runs for so long and publishes frames starts over with the waits and the count
 * @param mostRestarts restarts in a row after which a worker is given up; 0: never
 */
public record RestartPolicy(
        Duration heartbeat,
        Duration start,
        Duration stop,
        Duration firstRestart,
        Duration longestRestart,
        Duration steady,
        int mostRestarts) {

    /** Checks that everything is there. */
    public RestartPolicy {
        Objects.requireNonNull(start, "start");
        Objects.requireNonNull(stop, "stop");
        Objects.requireNonNull(firstRestart, "firstRestart");
        Objects.requireNonNull(longestRestart, "longestRestart");
        Objects.requireNonNull(steady, "steady");
        if (heartbeat.compareTo(WorkerLine.PERIOD) <= 0 || mostRestarts < 0) {
            throw new IllegalArgumentException("no valid restart policy: a heartbeat within " + heartbeat + ", at most "
                    + mostRestarts + " restarts; heartbeats come every " + WorkerLine.PERIOD);
        }
    }

    /** A minute to start, five seconds to end, restarts after half a second at first and every 15 seconds in the end, for ever. */
    public static RestartPolicy of(Duration heartbeat) {
        Duration minute = Duration.ofMinutes(1);
        return new RestartPolicy(
                heartbeat,
                heartbeat.compareTo(minute) > 0 ? heartbeat : minute,
                Duration.ofSeconds(5),
                Duration.ofMillis(500),
                Duration.ofSeconds(15),
                minute,
                0);
    }

    /** The same with a bound for restarts in a row; 0 for none. */
    public RestartPolicy withMostRestarts(int most) {
        return new RestartPolicy(heartbeat, start, stop, firstRestart, longestRestart, steady, most);
    }
}
