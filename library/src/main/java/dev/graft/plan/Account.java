package dev.graft.plan;

import dev.graft.model.BaseResidency;
import dev.graft.model.ModelLayout;
import dev.graft.model.ModelLayout.Matrix;
import dev.graft.model.SentLayers;
import dev.graft.nn.LmHeadLoss;
import dev.graft.optim.Optim;
import dev.graft.plan.Part.Place;
import dev.graft.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/// The sums that make a bill.
final class Account {
    /// Squares of gradients that a card adds up before the sum is written.
    private static final long SQUARES = 256;

    /// Trained numbers and their gradients are float32.
    private static final long TRAINED = DType.F32.bytes();

    private final Job job;
    private final long number; // bytes of one of the computation's type
    private final ModelLayout model;
    private final TrainedTensors trained;
    private final Activations activations;
    private final List<Part> parts = new ArrayList<>();

    Account(Job job) {
        this.job = job;
        this.number = job.computation().numberBytes();
        this.model = ModelLayout.of(job.model());
        this.trained = TrainedTensors.of(model, job.tuning());
        double dropout =
                switch (job.tuning()) {
                    case Tuning.Full() -> 0;
                    case Tuning.Lora(var config) -> config.loraDropout();
                };
        this.activations = new Activations(model, trained, dropout, job.computation(), chunkRows());
    }

    Bill bill() {
        base();
        trained();
        passes();
        boolean card = job.computation().card();
        String buffers =
                card ? "expanded panels, rounded matrices" : "blocks of attention, widened panels";
        add("scratch", scratch(), Place.MEMORY, buffers);
        add("logits", logits(), Place.MEMORY, "one chunk of the loss");
        recorded();
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
        boolean full = job.tuning() instanceof Tuning.Full;
        long stored = stored();
        long plain = stored * (model.embedding().elements() + vectors());
        long codes = 0;
        long scales = 0;
        long beside = 0; // on a card, what it reads from the host
        for (Matrix linear : linears()) {
            if (base.quantizes(linear)) {
                codes += streams(linear) ? 0 : bytes(linear);
                beside += streams(linear) ? bytes(linear) : 0;
                scales += Codes.scales(base.codes().how(), linear);
                scales += Codes.tables(base.codes().how());
            } else if (streams(linear)) {
                beside += bytes(linear);
            } else {
                plain += bytes(linear);
            }
        }
        add("base_host", beside, Place.HOST, "weights of the layers");
        add("base_sent", sent(), Place.MEMORY, "two layers of them, sent to the card in turn");
        boolean replaced = full && job.computation().card(); // one by one, while they are loaded
        String how = "weights as stored, " + base.stored().torchName();
        add("base", replaced ? 0 : plain, files(), how);
        if (base.residency() == BaseResidency.MAPPED) {
            streamed(codes + scales);
        } else {
            add("codes", codes, Place.MEMORY, "quantized weights");
            add("scales", scales, Place.MEMORY, "scales of the quantized weights");
        }
        if (stored < number && !full) {
            add("widened", number * vectors(), Place.MEMORY, "norms and biases as float32");
        }
    }

    /// Bytes of a plain number of a frozen base: a card gets none that is wider than what it
    /// computes in.
    private long stored() {
        long bytes = job.base().stored().bytes();
        return job.computation().card() ? Math.min(bytes, number) : bytes;
    }

    /// Where the plain numbers lie.
    private Place files() {
        boolean copied = job.computation().card() || job.base().residency() == BaseResidency.RAM;
        if (job.tuning() instanceof Tuning.Full) {
            return Place.PASSING;
        }
        if (copied) {
            return Place.MEMORY;
        }
        return job.base().widens(number) ? Place.CACHED : Place.MAPPED; // panels are read
    }

    /// What a card has of the layers that are in the host's memory.
    private long sent() {
        return SentLayers.bytes(
                model.layers().stream()
                        .map(ModelLayout.Layer::passed)
                        .map(l -> l.stream().filter(this::streams).mapToLong(this::bytes))
                        .toList());
    }

    private long bytes(Matrix linear) {
        return job.base().quantizes(linear)
                ? Codes.codes(job.base().codes().how(), linear)
                : stored() * linear.elements();
    }

    /// Whether a card reads this matrix from the host.
    private boolean streams(Matrix linear) {
        return job.base().residency() == BaseResidency.STREAMED
                && !linear.router()
                && !linear.equals(model.head());
    }

    /// Of codes that stay in their files, two layers are resident at a time.
    private void streamed(long codes) {
        long two = Math.min(codes, 2 * Math.ceilDiv(codes, job.model().layers()));
        add("codes", two, Place.MAPPED, "quantized weights, two layers of them");
        add("codes_file", codes - two, Place.DISK, "quantized weights, the other layers");
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
        long bytes = TRAINED * trained.count();
        boolean full = job.tuning() instanceof Tuning.Full;
        add("trained", bytes, Place.MEMORY, full ? "weights, float32" : "adapter, float32");
        add("gradients", bytes, Place.MEMORY, "float32");
        moments();
    }

    private void moments() {
        Optim optim = job.optimizer().optim();
        String what = "AdamW, two moments, " + (optim.eightBit() ? "8-bit" : "float32");
        long all = trained.momentBytes(optim);
        if (!optim.paged()) {
            add("optimizer", all, Place.MEMORY, what);
            return;
        }
        long maxima = trained.maximaBytes(optim);
        if (job.computation().card()) {
            add("optimizer", maxima, Place.MEMORY, "block maxima of paged moments");
            add("moments_file", all - maxima, Place.HOST, what);
            return;
        }
        long limit = job.optimizer().limit();
        long inMemory = limit == 0 ? all - maxima : Math.clamp(limit - maxima, 0, all - maxima);
        add("optimizer", maxima, Place.MEMORY, "block maxima of paged moments");
        add("moments", inMemory, Place.MAPPED, what + ", paged");
        add("moments_file", all - maxima - inMemory, Place.DISK, what + ", paged out");
    }

    /// The passes do not run at once: what an evaluation or the norm of the largest gradient
    /// takes beyond a training pass is a part of its own.
    private void passes() {
        Activations.Footprint pass = activations.training(job.batch(), job.recomputation());
        // how many tokens an expert gets is not known before
        String bound = job.model().mlp().experts() == null ? "" : ", at most";
        add("activations", pass.kept(), Place.MEMORY, "kept for the backward pass" + bound);
        long besides = pass.peak() - pass.kept();
        add("backward", besides, Place.MEMORY, "gradients of activations" + bound);
        boolean card = job.computation().card();
        Place near = card ? Place.MEMORY : Place.MAPPED;
        Place away = card ? Place.HOST : Place.DISK;
        add("inputs", pass.inUse(), near, "inputs of two layers at a time");
        // a card has copies of two, a file its pages
        long elsewhere = card ? pass.offloaded() : pass.offloaded() - pass.inUse();
        add("inputs_file", elsewhere, away, card ? "all of them" : "the other inputs");
        long norm = TRAINED * (card ? trained.count() / SQUARES : trained.largest());
        long evaluation = job.evaluation() == null ? 0 : activations.evaluation(job.evaluation());
        long most = Math.max(norm, evaluation);
        add(
                "beyond",
                most - pass.peak(),
                Place.MEMORY,
                evaluation > norm ? "evaluation beyond training" : "norm of the gradients");
    }

    /// Those of the largest shape, with scratch memory of their own; other shapes are not recorded.
    private void recorded() {
        if (job.computation().graphs()) {
            long pass = activations.training(job.batch(), job.recomputation()).peak();
            add(
                    "recorded",
                    pass + scratch() + logits(),
                    Place.MEMORY,
                    "the same for passes that are repeated as CUDA graphs");
        }
    }

    private long longest() {
        return job.evaluation() == null
                ? job.batch().longest()
                : Math.max(job.batch().longest(), job.evaluation().longest());
    }

    /// Of the largest batch.
    private long tokens() {
        long evaluated = job.evaluation() == null ? 0 : job.evaluation().tokens();
        return Math.max(job.batch().tokens(), evaluated);
    }

    private long chunkRows() {
        return LmHeadLoss.chunkRows(job.model().vocabulary(), number, job.computation().card());
    }

    private long lossRows() {
        long rows = activations.lossRows(job.batch());
        return job.evaluation() == null
                ? rows
                : Math.max(rows, activations.lossRows(job.evaluation()));
    }

    private long scratch() {
        if (job.computation().card()) {
            return Scratch.panelOnCard(model, trained, job.base(), number)
                    + Scratch.rounded(model, trained, number);
        }
        return Scratch.attention(job.model(), longest(), number)
                + Scratch.panel(model, trained, job.base(), number)
                + Scratch.halves(model, trained, job.base(), tokens(), lossRows());
    }

    /// The logits of a chunk of the loss, in training with the slopes of a soft cap.
    private long logits() {
        long slopes = job.model().multipliers().logitSoftCap() > 0 ? 1 : 0;
        long rows = (1 + slopes) * activations.lossRows(job.batch());
        if (job.evaluation() != null) {
            rows = Math.max(rows, activations.lossRows(job.evaluation()));
        }
        return rows * job.model().vocabulary() * number;
    }

    private void runtime() {
        if (job.computation().card()) {
            add("runtime", RuntimeCost.CARD, Place.MEMORY, "CUDA and libtorch on the card");
            return;
        }
        add("runtime", RuntimeCost.MEMORY, Place.MEMORY, "JVM, libtorch");
        add("heap", RuntimeCost.heap(job.heap()), Place.MEMORY, "tokenizer");
        add("libraries", RuntimeCost.LIBRARIES, Place.MAPPED, "code of JVM and libtorch");
    }
}
