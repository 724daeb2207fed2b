package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avformat.avio_find_protocol_name;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_PROTOCOL_NOT_FOUND;

import io.github.cuframes.producer.ingest.InputException.Kind;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeoutException;

/** What can be said of an input before FFmpeg opens it, and said better. */
final class Preflight {

    private static final Set<String> PROXIED = Set.of("http", "https");

    private final HostResolver resolver = new HostResolver();

    /** Refuses what cannot work. */
    void check(SourceOptions options) throws InputException {
        SafeUrl url = options.url();
        if (url.isFile()) {
            checkFile(url, Path.of(url.path()));
            return;
        }
        if (!url.isRtsp() && avio_find_protocol_name(url.reveal()) == null) {
            throw Failures.of(url, AVERROR_PROTOCOL_NOT_FOUND(), false, "");
        }
        // behind a proxy it is the proxy that resolves
        boolean proxied = PROXIED.contains(url.scheme()) && System.getenv("http_proxy") != null;
        if (!url.host().isEmpty() && !proxied) {
            resolve(options, url.host());
        }
    }

    private static void checkFile(SafeUrl url, Path path) throws InputException {
        if (Files.isDirectory(path)) {
            throw new InputException(Kind.NOT_MEDIA, url, 0, "this is a directory", "give a file in it");
        }
        if (!Files.exists(path)) {
            throw new InputException(Kind.NOT_FOUND, url, 0, "no such file", "check the path");
        }
    }

    private void resolve(SourceOptions options, String host) throws InputException {
        SafeUrl url = options.url();
        try {
            resolver.check(host, options.openTimeout());
        } catch (UnknownHostException e) {
            throw new InputException(
                    Kind.UNKNOWN_HOST,
                    url,
                    0,
                    "the host " + host + " is not known",
                    "check the spelling of its name, or give its address");
        } catch (TimeoutException e) {
            throw Failures.timedOut(
                    url, 0, "the name " + host + " was not resolved", Failures.within(options.openTimeout()));
        } catch (CancellationException e) {
            throw Failures.interrupted(url);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Failures.interrupted(url);
        }
    }

    /** Ends a wait that is under way and every later one; any thread. */
    void cancel() {
        resolver.cancel();
    }
}
