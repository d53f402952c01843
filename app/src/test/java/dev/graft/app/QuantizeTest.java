package dev.graft.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Bases in codes, from the command line: written once, used as they are, and wrong uses answered.
final class QuantizeTest {
    @TempDir private Path folder;

    private static Path model() {
        return Shared.folder("models/stories260K");
    }

    private Path data() throws IOException {
        return Files.writeString(
                folder.resolve("data.jsonl"),
                "{\"prompt\": \"Once upon a time\", \"completion\": \" there was a cat.\"}\n");
    }

    private Path quantized() {
        Path output = folder.resolve("nf4");
        var ran = Ran.of("quantize", "--model", model(), "--output", output, "--json").succeeded();
        assertThat(ran.json().getFirst().path("quantized_weights").asLong()).isEqualTo(226_560);
        return output;
    }

    private double loss(Object... which) throws IOException {
        Object[] args = new Object[which.length + 4];
        args[0] = "eval";
        System.arraycopy(which, 0, args, 1, which.length);
        args[which.length + 1] = "--dataset";
        args[which.length + 2] = data();
        args[which.length + 3] = "--json";
        return Ran.of(args).succeeded().json().getFirst().path("loss").asDouble();
    }

    @Test
    void writtenCodesGiveTheLossOfThoseMadeWhileLoading() throws IOException {
        Path written = quantized();
        double whileLoading = loss("--model", model(), "--load-in-4bit");
        assertThat(loss("--model", written)).isEqualTo(whileLoading);
        assertThat(loss("--model", written, "--base-residency", "mapped")).isEqualTo(whileLoading);
        assertThat(loss("--model", model())).isNotEqualTo(whileLoading);
    }

    @Test
    void adapterOfARunInFourBitsIsMergedTheTwoHonestWays() throws IOException {
        Path written = quantized();
        Path adapter = folder.resolve("adapter");
        Ran.of(
                        "train",
                        "--model-name-or-path",
                        written,
                        "--dataset",
                        data(),
                        "--output-dir",
                        adapter,
                        "--max-steps",
                        2,
                        "--learning-rate",
                        "1e-2",
                        "--json")
                .succeeded();
        double trained = loss("--model", written, "--adapter", adapter);
        Path merged = folder.resolve("merged");
        Ran.of("merge", "--model", written, "--adapter", adapter, "--output", merged)
                .failedWith(2, "16-bit base", "--dequantize");
        assertThat(merged).doesNotExist();
        Ran.of(
                        "merge",
                        "--model",
                        written,
                        "--adapter",
                        adapter,
                        "--output",
                        merged,
                        "--dequantize")
                .succeeded();
        assertThat(loss("--model", merged))
                .isCloseTo(trained, org.assertj.core.api.Assertions.within(1e-4));
        Path onOriginal = folder.resolve("merged16");
        Ran.of("merge", "--model", model(), "--adapter", adapter, "--output", onOriginal)
                .succeeded();
        assertThat(loss("--model", onOriginal)).isLessThan(loss("--model", model()));
    }

    @Test
    void codesAreNotQuantizedAgain() {
        Ran.of("quantize", "--model", quantized(), "--output", folder.resolve("again"))
                .failedWith(2, "quantized already");
        assertThat(folder.resolve("again")).doesNotExist();
    }

    @Test
    void checkpointOfAnotherMethodIsNamed() throws IOException {
        Path copy = Files.createDirectory(folder.resolve("gptq"));
        String config = Files.readString(model().resolve("config.json")).strip();
        Files.writeString(
                copy.resolve("config.json"),
                config.substring(0, config.length() - 1)
                        + ", \"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}}");
        Ran.of("eval", "--model", copy, "--dataset", data(), "--json")
                .failedWith(2, "'gptq'", "bitsandbytes", "load_in_4bit: true");
    }

    @Test
    void fullTuningInFourBitsIsRefused() throws IOException {
        Ran ran =
                Ran.of(
                        "train",
                        "--model-name-or-path",
                        model(),
                        "--dataset",
                        data(),
                        "--output-dir",
                        folder.resolve("out"),
                        "--load-in-4bit",
                        "--finetuning-type",
                        "full");
        assertThat(ran.exitCode()).isEqualTo(2);
        assertThat(ran.err()).contains("load_in_4bit", "finetuning_type lora");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void blockSizeThatDoesNotFitIsNamed() {
        Ran.of(
                        "quantize",
                        "--model",
                        model(),
                        "--output",
                        folder.resolve("odd"),
                        "--bnb-4bit-blocksize",
                        48)
                .failedWith(2, "48", "a power of two from 32 to 4096");
        assertThat(folder.resolve("odd")).doesNotExist();
    }
}
