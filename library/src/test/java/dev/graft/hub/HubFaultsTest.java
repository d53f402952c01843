package dev.graft.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import dev.graft.error.ModelFormatException;
import dev.graft.error.TrainingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// Networks, servers and disks that fail.
@Timeout(60)
final class HubFaultsTest {
    private static final String SHARD = "model-00001-of-00002.safetensors";

    @TempDir private Path cache;
    private FakeHub hub;
    private final AtomicInteger faults = new AtomicInteger();

    @BeforeEach
    void start() throws IOException {
        hub = FakeHub.withModel();
    }

    @AfterEach
    void stop() {
        hub.close();
    }

    /// Whether the request is for a shard's content.
    private static boolean isContent(FakeHub.Seen seen) {
        return seen.host().equals("localhost") && seen.file().equals(SHARD);
    }

    private void assertPulled() {
        assertThat(hub.pull(cache).folder().resolve(SHARD)).hasBinaryContent(hub.files.get(SHARD));
        assertThat(blob(".incomplete")).doesNotExist();
    }

    private Path blob(String suffix) {
        return cache.resolve("models--org--name/blobs/" + hub.etag(SHARD) + suffix);
    }

    private void assertNothingVisible() throws IOException {
        assertThat(blob("")).doesNotExist();
        assertThat(cache.resolve("models--org--name/snapshots")).doesNotExist();
        assertThat(cache.resolve("models--org--name/refs")).doesNotExist();
    }

    @Test
    void tenCutsAtRandomPlacesAreSurvivedWithoutFetchingAByteTwice() {
        var random = new Random(7);
        hub.fault =
                (exchange, seen) -> {
                    if (!isContent(seen) || faults.getAndIncrement() >= 10) {
                        return false;
                    }
                    hub.cut(exchange, SHARD, 1 + random.nextInt(25_000));
                    return true;
                };
        assertPulled();
        List<Integer> starts =
                hub.gets(SHARD).stream()
                        .filter(s -> s.host().equals("localhost"))
                        .map(s -> s.range() == null ? 0 : from(s.range()))
                        .toList();
        assertThat(starts).hasSize(11).isSorted().doesNotHaveDuplicates();
    }

    private static int from(String range) {
        return Integer.parseInt(range.replaceAll("\\D", ""));
    }

    @Test
    void cutsWithoutProgressEndInAnErrorThatKeepsWhatArrived() throws IOException {
        hub.fault =
                (exchange, seen) -> {
                    if (!isContent(seen)) {
                        return false;
                    }
                    hub.cut(exchange, SHARD, FakeHub.from(exchange) == 0 ? 1000 : 0);
                    return true;
                };
        assertThatThrownBy(() -> hub.pull(cache))
                .isInstanceOf(TrainingException.class)
                .hasMessageContainingAll(SHARD, "4 times in a row", "run the same command again");
        assertNothingVisible();
        assertThat(blob(".incomplete")).hasBinaryContent(Arrays.copyOf(hub.files.get(SHARD), 1000));
        hub.fault = (_, _) -> false;
        hub.seen.clear();
        assertPulled();
        assertThat(hub.gets(SHARD)).allMatch(s -> s.range().equals("bytes=1000-"));
    }

    @Test
    void serverThatIgnoresRangesStartsOver() {
        hub.fault =
                (exchange, seen) -> {
                    if (!isContent(seen)) {
                        return false;
                    }
                    if (faults.getAndIncrement() == 0) {
                        hub.cut(exchange, SHARD, 100_000);
                    } else {
                        FakeHub.send(exchange, 200, hub.files.get(SHARD));
                    }
                    return true;
                };
        assertPulled();
    }

    @Test
    void serverThatIgnoresRangesAndCutsAtOnePlaceIsGivenUp() {
        hub.fault =
                (exchange, seen) -> {
                    if (!isContent(seen)) {
                        return false;
                    }
                    exchange.getRequestHeaders().remove("Range");
                    hub.cut(exchange, SHARD, 100_000);
                    return true;
                };
        assertThatThrownBy(() -> hub.pull(cache)).isInstanceOf(TrainingException.class);
        assertThat(hub.gets(SHARD)).hasSizeLessThan(20);
    }

    @Test
    void whatAKilledProcessLeftIsGoneOnFrom() throws IOException {
        Files.createDirectories(blob("").getParent());
        Files.write(blob(".incomplete"), Arrays.copyOf(hub.files.get(SHARD), 123_456));
        assertPulled();
        assertThat(hub.gets(SHARD)).hasSize(2).allMatch(s -> s.range().equals("bytes=123456-"));
    }

    @Test
    void wholeFileThatWasNotRenamedIsNotFetchedAgain() throws IOException {
        Files.createDirectories(blob("").getParent());
        Files.write(blob(".incomplete"), hub.files.get(SHARD));
        assertPulled();
        assertThat(hub.gets(SHARD)).isEmpty();
    }

    @Test
    void spoiltOrTooLongRemainsAreFetchedAnew() throws IOException {
        Files.createDirectories(blob("").getParent());
        Files.write(blob(".incomplete"), new byte[5000]);
        assertPulled();
        Files.delete(blob(""));
        Files.write(blob(".incomplete"), new byte[300_001]);
        assertPulled();
    }

    @Test
    void damagedBlobOfAnotherSizeIsReplaced() throws IOException {
        hub.pull(cache);
        Files.write(blob(""), new byte[5]);
        assertPulled();
    }

    @Test
    void wrongHashOnceIsFetchedAgain() {
        hub.fault = (exchange, seen) -> isContent(seen) && wrong(exchange, 1);
        assertPulled();
        assertThat(faults).hasValueGreaterThan(1);
    }

    @Test
    void wrongHashEveryTimeIsAnErrorWithFileExpectedAndFound() throws IOException {
        hub.fault = (exchange, seen) -> isContent(seen) && wrong(exchange, 1000);
        assertThatThrownBy(() -> hub.pull(cache))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContainingAll(SHARD, "expected " + hub.etag(SHARD), "3 times")
                .hasMessageMatching(".*the hash [0-9a-f]{64}, expected.*");
        assertNothingVisible();
        assertThat(blob(".incomplete")).isEmptyFile();
    }

    private boolean wrong(HttpExchange exchange, int times) throws IOException {
        if (faults.getAndIncrement() >= times) {
            return false;
        }
        FakeHub.send(exchange, 200, new byte[hub.files.get(SHARD).length]);
        return true;
    }

    @Test
    void wrongContentOfASmallFileIsFoundToo() {
        hub.fault =
                (exchange, seen) -> {
                    if (!seen.file().equals("config.json") || !seen.method().equals("GET")) {
                        return false;
                    }
                    FakeHub.send(exchange, 200, new byte[hub.files.get("config.json").length]);
                    return true;
                };
        assertThatThrownBy(() -> hub.pull(cache))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContainingAll("config.json", hub.etag("config.json"));
    }

    @Test
    void tooFewAndTooManyBytesAreRefused() throws IOException {
        for (int size : new int[] {100, 300_100}) {
            hub.fault =
                    (exchange, seen) -> {
                        if (!isContent(seen)) {
                            return false;
                        }
                        FakeHub.send(exchange, 200, new byte[size]);
                        return true;
                    };
            assertThatThrownBy(() -> hub.pull(cache))
                    .isInstanceOf(TrainingException.class)
                    .hasMessageContaining(SHARD);
            assertNothingVisible();
        }
    }

    @Test
    void serverErrorsPassAndTooManyRequestsAreWaitedFor() {
        hub.fault =
                (exchange, _) ->
                        switch (faults.getAndIncrement()) {
                            case 0 -> FakeHub.error(exchange, 500, "");
                            case 1 -> {
                                exchange.getResponseHeaders().set("Retry-After", "1");
                                yield FakeHub.error(exchange, 429, "");
                            }
                            case 4 -> FakeHub.error(exchange, 503, "");
                            default -> false;
                        };
        long begin = System.nanoTime();
        assertPulled();
        assertThat(System.nanoTime() - begin).isGreaterThan(1_000_000_000L);
    }

    @Test
    void waitThatIsAskedForTooLongIsAnErrorWithTheTime() {
        hub.fault =
                (exchange, _) -> {
                    exchange.getResponseHeaders().set("Retry-After", "3600");
                    return FakeHub.error(exchange, 429, "");
                };
        assertThatThrownBy(() -> hub.pull(cache))
                .isInstanceOf(TrainingException.class)
                .hasMessageContainingAll("org/name", "429", "3600 s");
    }

    @Test
    void serverErrorsWithoutEndAreAnError() {
        hub.fault = (exchange, _) -> FakeHub.error(exchange, 502, "");
        assertThatThrownBy(() -> hub.pull(cache))
                .isInstanceOf(TrainingException.class)
                .hasMessageContainingAll("502", "4 times");
    }

    @Test
    void signatureThatRanOutIsAskedForAnew() {
        hub.fault =
                (exchange, seen) ->
                        isContent(seen)
                                && faults.getAndIncrement() == 0
                                && FakeHub.error(exchange, 403, "");
        assertPulled();
    }

    @Test
    void connectionThatHangsIsBegunAnew() {
        hub.fault =
                (exchange, seen) -> {
                    if (!isContent(seen) || faults.getAndIncrement() > 0) {
                        return false;
                    }
                    exchange.sendResponseHeaders(200, hub.files.get(SHARD).length);
                    exchange.getResponseBody().write(hub.files.get(SHARD), 0, 1000);
                    exchange.getResponseBody().flush();
                    sleep(10_000);
                    return true;
                };
        long begin = System.nanoTime();
        assertPulled();
        assertThat(System.nanoTime() - begin).isLessThan(8_000_000_000L);
    }

    private static void sleep(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void hubThatIsNotThereIsNamed() {
        hub.close();
        assertThatThrownBy(() -> hub.pull(cache))
                .isInstanceOf(TrainingException.class)
                .hasMessageContainingAll("cannot reach 127.0.0.1", "HF_ENDPOINT");
    }

    @Test
    void pullsAtOnceFetchEveryFileOnce() throws Exception {
        try (var threads = Executors.newFixedThreadPool(3)) {
            Callable<Pulled> pull = () -> hub.pull(cache);
            for (Future<Pulled> pulled : threads.invokeAll(List.of(pull, pull, pull))) {
                assertThat(pulled.get().folder().resolve(SHARD))
                        .hasBinaryContent(hub.files.get(SHARD));
            }
        }
        assertThat(hub.gets(SHARD)).filteredOn(HubFaultsTest::isContent).hasSize(1);
    }

    @Test
    void anotherProcessThatFetchesTheSameFileIsWaitedFor() throws Exception {
        Path lock = cache.resolve(".locks/models--org--name/" + hub.etag(SHARD) + ".lock");
        Files.createDirectories(lock.getParent());
        Process holder =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-cp",
                                Path.of(
                                                LockHolder.class
                                                        .getProtectionDomain()
                                                        .getCodeSource()
                                                        .getLocation()
                                                        .toURI())
                                        .toString(),
                                LockHolder.class.getName(),
                                lock.toString())
                        .start();
        try (var lines = holder.inputReader();
                var threads = Executors.newSingleThreadExecutor()) {
            assertThat(lines.readLine()).isEqualTo("locked");
            var waiting = new CountDownLatch(1);
            var listener =
                    new PullListener() {
                        @Override
                        public void waiting(String what) {
                            assertThat(what).isEqualTo(SHARD);
                            waiting.countDown();
                        }
                    };
            Future<Pulled> pulled =
                    threads.submit(
                            () ->
                                    new Pull(hub.settings(cache), FakeHub.HASTY, listener)
                                            .run(new RepoId("org/name"), "main"));
            assertThat(waiting.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(pulled.isDone()).isFalse();
            assertThat(hub.gets(SHARD)).isEmpty();
            holder.destroyForcibly(); // killed, it leaves no lock behind
            assertThat(pulled.get().folder().resolve(SHARD)).exists();
        } finally {
            holder.destroyForcibly();
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void fullDiskIsAnErrorAndNothingIsVisible() throws IOException {
        Files.createDirectories(blob("").getParent());
        Files.createSymbolicLink(blob(".incomplete"), Path.of("/dev/full"));
        assertThatThrownBy(() -> hub.pull(cache))
                .isInstanceOf(TrainingException.class)
                .hasMessageContainingAll("cannot write", "No space left", "HF_HUB_CACHE");
        assertNothingVisible();
    }

    @Test
    void partsThatAreThereStayWhereAnotherFileFails() throws IOException {
        hub.fault =
                (exchange, seen) ->
                        seen.file().equals("tokenizer.json")
                                && seen.method().equals("GET")
                                && FakeHub.error(exchange, 404, "EntryNotFound");
        assertThatThrownBy(() -> hub.pull(cache)).isInstanceOf(ModelFormatException.class);
        assertThat(cache.resolve("models--org--name/snapshots")).doesNotExist();
        try (Stream<Path> blobs = Files.list(blob("").getParent())) {
            assertThat(blobs).isNotEmpty();
        }
    }
}
