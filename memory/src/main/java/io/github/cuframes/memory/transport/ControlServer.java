package io.github.cuframes.memory.transport;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.newsclub.net.unix.AFUNIXSelectorProvider;
import org.newsclub.net.unix.AFUNIXServerSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.newsclub.net.unix.AFUNIXSocketChannel;
import org.newsclub.net.unix.FileDescriptorCast;

/**
 * A producer's listening socket, non-blocking.
 *
 * <pre>
 *   lock NAME.lock ─▶ does NAME.sock answer? ─▶ bind .bind-XXXX/s (0700) ─▶ chmod, chgrp ─▶ rename to NAME.sock
 * </pre>
 *
 * <p>The lock is held for life and ends with the process, however it dies, so that of two producers that find the same
 * stale socket one is refused. Its file stays, since removing it would let a third lock a file that has lost its name.
 * Connecting is the second check: for what holds no lock, such as a producer that is not this library.
 *
 * <p>The socket library opens a socket to everybody when it binds it; nobody reaches it in a directory of mode 0700.
 *
 * <p>Any thread may call any method.
 */
public final class ControlServer implements AutoCloseable {

    private static final int BACKLOG = 128;
    private static final String PRIVATE_PREFIX = ".bind-";
    private static final Duration LEFTOVER_AGE = Duration.ofMinutes(1);

    /** Locks held in this JVM: the kernel drops a process's lock when any of its descriptors of the file is closed. */
    private static final Set<Path> LOCKED = ConcurrentHashMap.newKeySet();

    private final Path socket;
    private final Object identity;
    private final Lock lock;
    private final AFUNIXServerSocketChannel bound;
    private final AFUNIXServerSocketChannel listening;
    private final AtomicBoolean closed = new AtomicBoolean();

    private ControlServer(
            Path socket,
            Object identity,
            Lock lock,
            AFUNIXServerSocketChannel bound,
            AFUNIXServerSocketChannel listening) {
        this.socket = socket;
        this.identity = identity;
        this.lock = lock;
        this.bound = bound;
        this.listening = listening;
    }

    /**
     * Who may connect.
     *
     * @param mode permissions of the socket; connecting needs the right to write
     * @param group the group that owns it, or null for the process's
     */
    public record Access(Set<PosixFilePermission> mode, String group) {

        /** User and group. */
        public static final Access DEFAULT = new Access(PosixFilePermissions.fromString("rw-rw----"), null);

        /** Copies the set. */
        public Access {
            mode = Set.copyOf(mode);
        }
    }

    /**
     * Listens at a path, where a socket that nobody answers at is replaced.
     *
     * @param socket see {@link RunDirectory#socketOf}
     * @throws KeyInUseException if a live producer has it
     * @throws IOException if the directory does not allow it, the group does not exist or something else lies there
     */
    public static ControlServer bind(Path socket, Access access) throws IOException {
        try {
            return bindLocked(socket, access);
        } catch (FileSystemException e) {
            throw new IOException(
                    "there can be no socket " + socket + ": " + e.getMessage()
                            + "; see to rights, space and inodes of its directory, or choose another run directory",
                    e);
        }
    }

    private static ControlServer bindLocked(Path socket, Access access) throws IOException {
        Path directory = socket.toAbsolutePath().getParent().toRealPath();
        Path path = directory.resolve(socket.getFileName());
        String name = path.getFileName().toString().replaceFirst("\\.sock$", "");
        Lock lock = Lock.acquire(directory.resolve(name + ".lock"), socket);
        try {
            removeStale(path);
            removeLeftovers(directory, Instant.now());
            // before the directory is made, since it loads the library: a process killed meanwhile leaves nothing
            AFUNIXServerSocketChannel bound = AFUNIXServerSocketChannel.open();
            try {
                return bindInPrivate(bound, directory, path, access, lock);
            } catch (IOException | RuntimeException e) {
                bound.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static ControlServer bindInPrivate(
            AFUNIXServerSocketChannel bound, Path directory, Path path, Access access, Lock lock) throws IOException {
        Path place = Files.createTempDirectory(
                directory,
                PRIVATE_PREFIX,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        try {
            return bind(bound, place.resolve("s"), path, access, lock);
        } finally {
            Files.deleteIfExists(place.resolve("s"));
            Files.delete(place);
        }
    }

    private static ControlServer bind(AFUNIXServerSocketChannel bound, Path hidden, Path path, Access access, Lock lock)
            throws IOException {
        RunDirectory.requireLength(hidden);
        bound.socket().setReuseAddress(false); // else the library takes a live server's address from it
        bound.socket().setDeleteOnClose(false);
        bound.bind(AFUNIXSocketAddress.of(hidden), BACKLOG);
        bound.configureBlocking(false);
        if (access.group() != null) {
            setGroup(hidden, access.group());
        }
        Files.setPosixFilePermissions(hidden, access.mode());
        Object identity = identityOf(hidden);
        // before it accepts, the library looks for the name that it bound; a second object for the same socket does not
        AFUNIXServerSocketChannel listening =
                FileDescriptorCast.using(bound.getFileDescriptor()).as(AFUNIXServerSocketChannel.class);
        listening.configureBlocking(false);
        Files.move(hidden, path, StandardCopyOption.ATOMIC_MOVE);
        return new ControlServer(path, identity, lock, bound, listening);
    }

    private static void setGroup(Path path, String group) throws IOException {
        try {
            Files.getFileAttributeView(path, PosixFileAttributeView.class)
                    .setGroup(
                            path.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByGroupName(group));
        } catch (IOException e) {
            throw new IOException(
                    "the socket cannot be given to group \"" + group
                            + "\"; name a group that exists and that this user is in",
                    e);
        }
    }

    private static void removeStale(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .isOther()) {
            throw new IOException(path + " is no socket; remove it or choose another key");
        }
        if (isAnswered(path)) {
            throw new KeyInUseException(path);
        }
        try {
            Files.deleteIfExists(path);
        } catch (FileSystemException e) {
            throw new IOException(
                    "nobody answers at " + path + ", and user " + RunDirectory.userId() + " cannot remove it ("
                            + e.getClass().getSimpleName() + "); have its owner remove it, or choose another key",
                    e);
        }
    }

    private static boolean isAnswered(Path path) throws IOException {
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.configureBlocking(false);
            probe.connect(UnixDomainSocketAddress.of(path)); // a full backlog is an answer too
            return true;
        } catch (ConnectException e) {
            return false;
        } catch (SocketException e) {
            throw new IOException(
                    "it cannot be told whether a producer lives at " + path + " (" + e.getMessage()
                            + "); choose another key, or have the owner of the socket remove it",
                    e);
        }
    }

    /** Removes what producers left that died while they were binding, which takes milliseconds. */
    private static void removeLeftovers(Path directory, Instant now) throws IOException {
        try (DirectoryStream<Path> places = Files.newDirectoryStream(directory, PRIVATE_PREFIX + "*")) {
            for (Path place : places) {
                if (isLeftover(place, now)) {
                    Files.deleteIfExists(place.resolve("s"));
                    Files.deleteIfExists(place);
                }
            }
        }
    }

    private static boolean isLeftover(Path place, Instant now) throws IOException {
        try {
            PosixFileAttributes attributes =
                    Files.readAttributes(place, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return attributes.isDirectory()
                    && attributes.lastModifiedTime().toInstant().isBefore(now.minus(LEFTOVER_AGE))
                    && attributes.owner().equals(Files.getOwner(Path.of("/proc/self")));
        } catch (NoSuchFileException e) {
            return false; // its producer was quicker
        }
    }

    private static Object identityOf(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }

    /** A selector for connections and servers; {@link Selector#wakeup()} works from any thread. */
    public static Selector openSelector() throws IOException {
        return AFUNIXSelectorProvider.getInstance().openSelector();
    }

    /** Has a selector report connections that wait, as {@link SelectionKey#OP_ACCEPT}. */
    public SelectionKey register(Selector selector, Object attachment) throws IOException {
        return listening.register(selector, SelectionKey.OP_ACCEPT, attachment);
    }

    /** The next connection that waits, non-blocking; null if there is none. */
    public ControlConnection accept() throws IOException {
        AFUNIXSocketChannel channel = listening.accept();
        return channel == null ? null : ControlConnection.accepted(channel);
    }

    /** The socket. */
    public Path path() {
        return socket;
    }

    /**
     * Removes the socket, if it is still this server's, and stops listening; a second call does nothing. The lock goes
     * last, so that a successor never sees a socket that is about to be removed.
     */
    @Override
    public void close() throws IOException {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try (lock;
                bound;
                listening) {
            if (identity.equals(identityOf(socket))) {
                Files.delete(socket);
            }
        } catch (NoSuchFileException e) {
            return; // somebody removed it: it is gone, as it should be
        }
    }

    /** A lock on a file, held by this process. */
    private record Lock(Path path, FileChannel channel) implements AutoCloseable {

        static Lock acquire(Path path, Path socket) throws IOException {
            if (!LOCKED.add(path)) {
                throw new KeyInUseException(socket);
            }
            FileChannel channel = null;
            try {
                channel = FileChannel.open(
                        path,
                        Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
                        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
                FileLock held = channel.tryLock();
                if (held == null) {
                    throw new KeyInUseException(socket);
                }
                return new Lock(path, channel);
            } catch (IOException | RuntimeException e) {
                if (channel != null) {
                    channel.close();
                }
                LOCKED.remove(path);
                if (e instanceof AccessDeniedException) {
                    throw anothers(path, e);
                }
                throw e;
            }
        }

        private static IOException anothers(Path path, Exception cause) throws IOException {
            return new IOException(
                    "user " + RunDirectory.userId() + " may not lock " + path
                            + ", which another user's producer has made; choose another key, or have it removed when that"
                            + " producer is not to come back",
                    cause);
        }

        @Override
        public void close() throws IOException {
            try {
                channel.close();
            } finally {
                LOCKED.remove(path);
            }
        }
    }
}
