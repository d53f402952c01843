package dev.graft.plan;

import dev.graft.model.ModelLayout;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.plan.Part.Place;
import dev.graft.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/// What a run holds at the worst moment of a step, part by part, in bytes.
///
/// @param baseParameters of the model
/// @param trainedParameters of the adapter, or of the model when it is trained whole
public record Bill(Job job, long baseParameters, long trainedParameters, List<Part> parts) {
    /// Trained numbers, their gradients and the computation are float32.
    private static final long NUMBER = DType.F32.bytes();

    public Bill {
        parts = List.copyOf(parts);
    }

    /// The bill of a run.
    ///
    /// @throws dev.graft.error.ConfigException if the adapter names modules that are not there
    public static Bill of(Job job) {
        return new Account(job).bill();
    }

    /// Bytes that no file backs.
    public long anonymous() {
        return sum(Place.MEMORY);
    }

    /// Bytes that have to be resident for a step to run at full speed.
    public long needed() {
        return sum(Place.MEMORY) + sum(Place.MAPPED);
    }

    /// Bytes that are resident if nothing else wants the memory, pages of mapped files included.
    public long resident() {
        return needed() + sum(Place.PASSING);
    }

    public long onDisk() {
        return sum(Place.DISK);
    }

    private long sum(Place place) {
        return parts.stream().filter(p -> p.place() == place).mapToLong(Part::bytes).sum();
    }

    /// Bytes of all parts of this key.
    public long bytes(String key) {
        return parts.stream().filter(p -> p.key().equals(key)).mapToLong(Part::bytes).sum();
    }

    /// Trained parameters by those of the base, in percent.
    public double trainedPercent() {
        return 100.0 * trainedParameters / baseParameters;
    }

    /// The sums that make a bill.
    private static final class Account {
        private final Job job;
        private final ModelLayout model;
        private final TrainedTensors trained;
        private final Activations activations;
        private final List<Part> parts = new ArrayList<>();

        Account(Job job) {
            this.job = job;
            this.model = ModelLayout.of(job.model());
            this.trained = TrainedTensors.of(model, job.tuning());
            double dropout =
                    switch (job.tuning()) {
                        case Tuning.Full() -> 0;
                        case Tuning.Lora(var config) -> config.loraDropout();
                    };
            this.activations =
                    new Activations(model, trained, dropout, job.base().stored(), NUMBER);
        }

        Bill bill() {
            base();
            trained();
            passes();
            add("scratch", scratch(), Place.MEMORY, "blocks of attention, widened panels");
            add("logits", logits(), Place.MEMORY, "one chunk of the loss");
            runtime();
            return new Bill(job, job.model().parameters(), trained.count(), parts);
        }

        private void add(String key, long bytes, Place place, String from) {
            if (bytes > 0) {
                parts.add(new Part(key, bytes, place, from));
            }
        }

        private void base() {
            BaseStorage base = job.base();
            long stored = base.stored().bytes();
            long plain = stored * (embeddings() + vectors());
            long codes = 0;
            long scales = 0;
            for (Matrix linear : linears()) {
                if (base.quantization().covers(linear)) {
                    codes += base.quantization().codeBytes(linear);
                    scales += base.quantization().scaleBytes(linear);
                } else {
                    plain += stored * linear.elements();
                }
            }
            scales += codes > 0 ? base.quantization().tableBytes() : 0;
            boolean full = job.tuning() instanceof Tuning.Full;
            Place files =
                    full
                            ? Place.PASSING
                            : base.residency() == Residency.MEMORY ? Place.MEMORY : Place.MAPPED;
            Place quantized = base.residency() == Residency.STREAMED ? Place.MAPPED : Place.MEMORY;
            if (base.residency() == Residency.STREAMED && !full) {
                streamed(plain, codes + scales);
            } else {
                add("base", plain, files, "weights as stored, " + base.stored().torchName());
                add("codes", codes, quantized, "quantized weights");
                add("scales", scales, quantized, "scales of the quantized weights");
            }
            if (base.stored() != DType.F32 && !full) {
                add("widened", NUMBER * vectors(), Place.MEMORY, "norms and biases as float32");
            }
        }

        /// Two layers, and what lies around the layers.
        private void streamed(long plain, long quantized) {
            long around = job.base().stored().bytes() * embeddings() + headBytes();
            long layers = plain + quantized - around;
            long two = Math.min(layers, 2 * Math.ceilDiv(layers, job.model().layers()));
            add("base", around + two, Place.MAPPED, "embeddings, head and two layers of the file");
            add("base_file", layers - two, Place.DISK, "the other layers");
        }

        private long headBytes() {
            Matrix head = model.head();
            var quantization = job.base().quantization();
            if (job.model().tiedEmbeddings()) {
                return 0;
            }
            return quantization.covers(head)
                    ? quantization.codeBytes(head) + quantization.scaleBytes(head)
                    : job.base().stored().bytes() * head.elements();
        }

        private long embeddings() {
            return model.embedding().elements();
        }

        /// The linear maps that have a weight of their own.
        private List<Matrix> linears() {
            int count = model.linears().size() - (job.model().tiedEmbeddings() ? 1 : 0);
            return model.linears().subList(0, count);
        }

        private long vectors() {
            return model.norms().stream().mapToLong(ModelLayout.Vector::length).sum()
                    + model.linears().stream().filter(Matrix::bias).mapToLong(Matrix::out).sum();
        }

        private void trained() {
            long bytes = NUMBER * trained.count();
            boolean full = job.tuning() instanceof Tuning.Full;
            add("trained", bytes, Place.MEMORY, full ? "weights, float32" : "adapter, float32");
            add("gradients", bytes, Place.MEMORY, "float32");
            add(
                    "optimizer",
                    trained.stateBytes(job.optimizer()),
                    job.optimizer().paged() ? Place.MAPPED : Place.MEMORY,
                    "AdamW, two moments, "
                            + (job.optimizer().eightBit() ? "8-bit" : "float32")
                            + (job.optimizer().paged() ? ", in a file" : ""));
        }

        /// The passes do not run at once: what an evaluation or the norm of the largest gradient
        /// takes beyond a training pass is a part of its own.
        private void passes() {
            Activations.Footprint pass = activations.training(job.batch(), job.recomputation());
            add("activations", pass.kept(), Place.MEMORY, "kept for the backward pass");
            add("backward", pass.peak() - pass.kept(), Place.MEMORY, "gradients of activations");
            add("offloaded", pass.onDisk(), Place.DISK, "inputs of the layers");
            long norm = NUMBER * trained.largest();
            long evaluation =
                    job.evaluation() == null ? 0 : activations.evaluation(job.evaluation());
            long most = Math.max(norm, evaluation);
            add(
                    "beyond",
                    most - pass.peak(),
                    Place.MEMORY,
                    evaluation > norm ? "evaluation beyond training" : "norm of the gradients");
        }

        private long longest() {
            return job.evaluation() == null
                    ? job.batch().longest()
                    : Math.max(job.batch().longest(), job.evaluation().longest());
        }

        private long scratch() {
            boolean widens =
                    job.base().stored() != DType.F32
                            || !(job.base().quantization() instanceof Quantization.None);
            return Scratch.attention(job.model().attention(), longest(), NUMBER)
                    + (widens ? Scratch.panel(model, trained, NUMBER) : 0);
        }

        private long logits() {
            long vocabulary = job.model().vocabulary();
            long training = Scratch.logits(vocabulary, job.batch(), NUMBER);
            return job.evaluation() == null
                    ? training
                    : Math.max(training, Scratch.logits(vocabulary, job.evaluation(), NUMBER));
        }

        private void runtime() {
            add("runtime", RuntimeCost.MEMORY, Place.MEMORY, "JVM, libtorch");
            add("heap", RuntimeCost.heap(job.heap()), Place.MEMORY, "examples, tokenizer");
            add("libraries", RuntimeCost.LIBRARIES, Place.MAPPED, "code of JVM and libtorch");
        }
    }
}
