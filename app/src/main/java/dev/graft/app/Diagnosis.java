package dev.graft.app;

import com.sun.management.OperatingSystemMXBean;
import dev.graft.tensor.CardMemory;
import dev.graft.tensor.Cards;
import dev.graft.tensor.Device;
import dev.graft.tensor.Torch;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;

/// What was found out about the machine, and what of it needs mending.
record Diagnosis(List<Finding> findings, List<String> problems) {
    /// A figure for programs (`key`, `value`) and for people (`name`, `text`; empty where another
    /// finding's text says it).
    record Finding(String key, Object value, String name, String text) {}

    private static final long MEMORY_WANTED = 2L << 30;

    static Diagnosis make() {
        var diagnosis = new Diagnosis(new ArrayList<>(), new ArrayList<>());
        diagnosis.java();
        diagnosis.processor();
        diagnosis.memory();
        diagnosis.libraries();
        diagnosis.torch();
        diagnosis.cards();
        return diagnosis;
    }

    private void found(String key, Object value, String name, String text) {
        findings.add(new Finding(key, value, name, text));
    }

    private void java() {
        String home = System.getProperty("java.home");
        found("graft_version", Version.text(), "graft", Version.text());
        found(
                "java_version",
                Runtime.version().toString(),
                "java",
                Runtime.version() + ", " + home);
        found("java_home", home, "", "");
        String os =
                "%s %s, %s"
                        .formatted(
                                System.getProperty("os.name"),
                                System.getProperty("os.version"),
                                System.getProperty("os.arch"));
        found("os", os, "system", os);
    }

    private void processor() {
        String name = cpuInfo("model name");
        List<String> flags = Arrays.asList(cpuInfo("flags").split(" "));
        List<String> vector = new ArrayList<>();
        for (String wanted :
                List.of("avx2", "fma", "avx512f", "avx512_bf16", "avx_vnni", "amx_bf16")) {
            if (flags.contains(wanted)) {
                vector.add(wanted);
            }
        }
        String described = name.isEmpty() ? System.getProperty("os.arch") : name;
        found("processor", described, "processor", described + ", " + vector);
        found("vector_instructions", vector, "", "");
        if (!name.isEmpty() && System.getProperty("os.arch").equals("amd64") && vector.isEmpty()) {
            problems.add("this processor has no AVX2: everything will be several times slower");
        }
    }

    private static String cpuInfo(String field) {
        Path file = Path.of("/proc/cpuinfo");
        try {
            if (Files.isReadable(file)) {
                for (String line : Files.readAllLines(file)) {
                    if (line.startsWith(field)) {
                        return line.substring(line.indexOf(':') + 1).strip();
                    }
                }
            }
        } catch (IOException _) {
            // Not knowing the processor's name is no reason to fail.
        }
        return "";
    }

    private void memory() {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long total = system.getTotalMemorySize();
        long available = availableMemory(system);
        found(
                "memory_bytes",
                total,
                "memory",
                "%s, %s available; Java heap at most %s"
                        .formatted(
                                Figures.mebibytes(total),
                                Figures.mebibytes(available),
                                Figures.mebibytes(Runtime.getRuntime().maxMemory())));
        found("memory_available_bytes", available, "", "");
        if (available < MEMORY_WANTED) {
            problems.add(
                    "only %s of memory are available; models beyond some hundred million parameters will not fit: close other programs"
                            .formatted(Figures.mebibytes(available)));
        }
    }

    /// Free memory and what the system would give up for it, within the limit of a container.
    private static long availableMemory(OperatingSystemMXBean system) {
        long free = system.getFreeMemorySize();
        try {
            for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
                if (line.startsWith("MemAvailable:")) {
                    long available = Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                    return Math.min(available, system.getTotalMemorySize());
                }
            }
        } catch (IOException _) {
            return free;
        }
        return free;
    }

    private void libraries() {
        String tokenizers = "unknown";
        try (InputStream in =
                Diagnosis.class.getResourceAsStream("/native/lib/tokenizers.properties")) {
            if (in != null) {
                var properties = new Properties();
                properties.load(in);
                tokenizers = properties.getProperty("version", tokenizers);
            }
        } catch (IOException _) {
            // Stays unknown.
        }
        found("tokenizers_version", tokenizers, "tokenizers", tokenizers);
        try (var connection = DriverManager.getConnection("jdbc:duckdb:")) {
            String version = connection.getMetaData().getDatabaseProductVersion();
            found("duckdb_version", version, "duckdb", version);
        } catch (SQLException | LinkageError e) {
            problems.add("DuckDB, which reads data sets, does not load: " + e.getMessage());
        }
    }

    private void torch() {
        try {
            Torch.load();
        } catch (LinkageError e) {
            problems.add(
                    "libtorch does not load: %s; this build has natives for one platform, and it must be this one (%s)"
                            .formatted(e.getMessage(), System.getProperty("os.arch")));
            return;
        }
        int threads = Torch.threads();
        found("libtorch", Torch.version(), "libtorch", Torch.version());
        found("threads", threads, "threads", String.valueOf(threads));
        double rate = MachineLimits.gigaflops();
        found(
                "gemm_gflops",
                Math.round(rate * 10) / 10.0,
                "float32",
                Figures.format(
                        "%.1f GFLOP/s (matrix product of %d, median)", rate, MachineLimits.SIZE));
        if (rate < 10) {
            problems.add(
                    Figures.format(
                            "matrix products run at %.1f GFLOP/s, expected 20 or more a core: is the machine busy?",
                            rate));
        }
        double bandwidth = MachineLimits.gigabytes();
        found(
                "memory_gb_per_second",
                Math.round(bandwidth * 10) / 10.0,
                "bandwidth",
                Figures.format("%.1f GB/s read from memory", bandwidth));
    }

    private void cards() {
        Cards here = Cards.here();
        found("cuda", here.usable(), "", "");
        found("cuda_natives", Cards.carriesNatives(), "", "");
        if (here.driver() > 0) {
            String speaks = "speaks CUDA " + here.driverVersion();
            found("cuda_driver", here.driverVersion(), "card driver", speaks);
        }
        for (Cards.Card card : here.cards()) {
            found(
                    "card_" + card.index(),
                    "%s, %d bytes, %s".formatted(card.name(), card.memory(), card.capabilityText()),
                    Device.cuda(card.index()).toString(),
                    "%s, %s, compute capability %s%s"
                            .formatted(
                                    card.name(),
                                    Figures.mebibytes(card.memory()),
                                    card.capabilityText(),
                                    card.multipliesBfloat16() ? "" : ", without bfloat16"));
        }
        here.hindrance()
                .ifPresent(
                        why -> found("cuda_hindrance", why, "gpu", "none to compute on: " + why));
        if (!here.usable()) {
            return;
        }
        if (Torch.cudaAvailable()) {
            Device card = here.choose("auto");
            double micros = MachineLimits.launchMicroseconds(card);
            found("card_memory_taken", CardMemory.peakBytes(card), "", "");
            found(
                    "launch_microseconds",
                    Math.round(micros * 10) / 10.0,
                    "launch",
                    Figures.format("%.1f µs of the host for an operation on the card", micros));
        } else {
            problems.add(
                    "the driver has cards and libtorch sees none: does CUDA_VISIBLE_DEVICES hide them, or is the card in use by one process alone (nvidia-smi -q -d COMPUTE)?");
        }
    }
}
