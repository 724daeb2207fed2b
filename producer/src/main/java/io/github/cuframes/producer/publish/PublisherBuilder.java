package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.HostMemoryAllocator;
import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.memory.transport.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** The configuration of a {@link Publisher}. Everything but the key has a default. Not thread-safe. */
public final class PublisherBuilder {

    private final String key;
    private Path runDirectory;
    private FrameMemoryAllocator allocator;
    private int maxSubscribers = 32;
    private int maxCredits = 8;
    private long maxMemory = 4L << 30;
    private long packetMemory;
    private boolean losslessAllowed;
    private Duration losslessTimeout = Duration.ofSeconds(30);
    private ControlServer.Access access = ControlServer.Access.DEFAULT;
    private final List<String> allowedUsers = new ArrayList<>();
    private final List<String> allowedGroups = new ArrayList<>();

    PublisherBuilder(String key) {
        RunDirectory.requireKey(key);
        this.key = key;
    }

    /** Where the socket is made; by default the first usable of the places that {@link RunDirectory} knows. */
    public PublisherBuilder runDirectory(Path directory) {
        runDirectory = directory;
        return this;
    }

    /** Where frame memory comes from; by default {@link HostMemoryAllocator}. */
    public PublisherBuilder allocator(FrameMemoryAllocator frameMemoryAllocator) {
        allocator = Objects.requireNonNull(frameMemoryAllocator);
        return this;
    }

    /** The most subscribers at a time, 1 to 1024; 32 by default. */
    public PublisherBuilder maxSubscribers(int subscribers) {
        maxSubscribers = subscribers;
        return this;
    }

    /** The most frames that one subscriber may have at a time, 1 to 64; 8 by default. */
    public PublisherBuilder maxCredits(int credits) {
        maxCredits = credits;
        return this;
    }

    /** The most bytes of frame memory; 4 GiB by default. A subscriber whose credits do not fit in is refused. */
    public PublisherBuilder maxMemory(long bytes) {
        maxMemory = bytes;
        return this;
    }

    /**
     * Offers encoded packets beside the frames, which are given to {@link Publisher#packets()}, in so much memory at most: an
     * eighth of it, rounded down to a power of two, for each of up to seven subscribers of packets, taken when they come; and half as
     * much for the packets since the last keyframe, taken as needed. By default, with 0, there are none.
     *
     * @param bytes 0, or 512 KiB at least
     * @throws IllegalArgumentException if it is less
     */
    public PublisherBuilder packetMemory(long bytes) {
        if (bytes != 0 && bytes < PacketRing.MIN_MEMORY) {
            throw new IllegalArgumentException("packets need 0 or at least " + PacketRing.MIN_MEMORY
                    + " bytes of memory, not " + bytes + "; see --packet-memory");
        }
        packetMemory = bytes;
        return this;
    }

    /** Lets subscribers ask for every frame, for which the writer waits; not by default. */
    public PublisherBuilder allowLossless(boolean allowed) {
        losslessAllowed = allowed;
        return this;
    }

    /** For how long the writer waits for a lossless subscriber before it is cut off; 30 s by default. */
    public PublisherBuilder losslessTimeout(Duration timeout) {
        losslessTimeout = Objects.requireNonNull(timeout);
        return this;
    }

    /** Mode and group of the socket: user and group of the process by default. */
    public PublisherBuilder access(ControlServer.Access socketAccess) {
        access = Objects.requireNonNull(socketAccess);
        return this;
    }

    /**
     * Adds a user to those who may subscribe or observe. Without any user or group, the default, that is left to the socket's
     * mode; with one, nobody else may, neither root nor the publisher's own user.
     *
     * @param nameOrUid looked up by {@link #open()}
     */
    public PublisherBuilder allowUser(String nameOrUid) {
        allowedUsers.add(Objects.requireNonNull(nameOrUid));
        return this;
    }

    /**
     * Adds the members of a group to those who may subscribe or observe, as {@link #allowUser} does for a user. What counts
     * is the groups that a process has when it connects.
     *
     * @param nameOrGid looked up by {@link #open()}
     */
    public PublisherBuilder allowGroup(String nameOrGid) {
        allowedGroups.add(Objects.requireNonNull(nameOrGid));
        return this;
    }

    /**
     * Makes the ring and listens.
     *
     * @throws io.github.cuframes.memory.transport.KeyInUseException if a live producer has the key
     * @throws IOException if the run directory or shared memory cannot be used, or there is no such user or group; says why
     *     and what to do
     * @throws IllegalArgumentException if a limit is out of range
     */
    public Publisher open() throws IOException {
        return new Publisher(new PublisherOptions(
                key,
                RunDirectory.resolve(runDirectory, System.getenv(), RunDirectory.Role.PRODUCER),
                allocator == null ? new HostMemoryAllocator() : allocator,
                maxSubscribers,
                maxCredits,
                maxMemory,
                losslessAllowed,
                losslessTimeout,
                access,
                Guests.of(allowedUsers, allowedGroups),
                packetMemory));
    }
}
