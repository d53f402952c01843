package dev.graft.app;

import dev.graft.plan.Bill;
import dev.graft.plan.ByteSize;
import dev.graft.train.TrainEvent;
import java.io.PrintStream;
import java.util.function.Consumer;

/// A run as a person watches it: what was decided and what it takes, then a line of progress.
final class TrainDisplay implements Consumer<TrainEvent> {
    /// Weight of the newest step in the moving averages.
    private static final double NEWEST = 0.1;

    private final Console console;
    private final PrintStream out;
    private final ProgressLine progress;
    private int totalSteps;
    private int firstStep;
    private double stepSeconds;
    private double loss;

    TrainDisplay(Console console) {
        this.console = console;
        this.out = console.out();
        this.progress = new ProgressLine(console);
    }

    @Override
    public void accept(TrainEvent event) {
        switch (event) {
            case TrainEvent.Loading l -> loading(l);
            case TrainEvent.Prepared prepared -> prepared(prepared);
            case TrainEvent.Started started -> started(started);
            case TrainEvent.Step step -> step(step);
            case TrainEvent.Evaluated e ->
                    line(
                            "step %d  eval loss %.4f  perplexity %.2f  (%,d tokens)",
                            e.step(), e.loss(), e.perplexity(), e.tokens());
            case TrainEvent.Saved saved -> line("step %d  saved %s", saved.step(), saved.folder());
            case TrainEvent.Warned warned -> line("warning   %s", warned.message());
            case TrainEvent.Interrupted interrupted ->
                    line("step %d  interrupted", interrupted.step());
            case TrainEvent.Measured m ->
                    line(
                            "memory: measured %s, with mapped files %s; planned %s and %s",
                            ByteSize.of(m.anonymous()),
                            ByteSize.of(m.resident()),
                            ByteSize.of(m.planned().anonymous()),
                            ByteSize.of(m.planned().resident()));
            case TrainEvent.Finished f ->
                    line(
                            "finished: %s in %s%s, mean loss %.4f",
                            Figures.counted(f.steps(), "step"),
                            Figures.duration(f.seconds()),
                            f.firstStep().map(TrainDisplay::afterStart).orElse(""),
                            f.meanLoss());
        }
    }

    private static String afterStart(TrainEvent.FirstStep first) {
        return Figures.format(" (first step done %.1f s after the start)", first.ended());
    }

    @SuppressWarnings("AnnotateFormatMethod")
    private void line(String pattern, Object... values) {
        progress.clear();
        out.println(Figures.format(pattern, values));
        out.flush();
    }

    private void loading(TrainEvent.Loading l) {
        if (l.done() == 1) {
            progress.begin();
        }
        progress.show("loading   matrix %d of %d".formatted(l.done(), l.total()), false);
    }

    private void prepared(TrainEvent.Prepared p) {
        line("model     %s", p.model());
        p.decisions().forEach(d -> line("chosen    %s", d));
        line("data      %s", p.data());
        if (p.heldOut() > 0) {
            line("held out  %s", Figures.counted(p.heldOut(), "example"));
        }
        Bill bill = p.bill();
        line(
                "trained   %,d of %,d parameters (%s)",
                bill.trainedParameters(),
                bill.baseParameters(),
                Figures.percent(bill.trainedPercent()));
        line("memory    %s", BillText.line(bill));
    }

    private void started(TrainEvent.Started started) {
        totalSteps = started.totalSteps();
        firstStep = started.resumedFrom();
        line(
                "steps     %,d%s",
                totalSteps, firstStep > 0 ? ", resumed after step %,d".formatted(firstStep) : "");
    }

    private void step(TrainEvent.Step s) {
        boolean first = s.step() == firstStep + 1;
        stepSeconds = first ? s.stepSeconds() : averaged(stepSeconds, s.stepSeconds());
        loss = first ? s.loss() : averaged(loss, s.loss());
        int digits = String.valueOf(totalSteps).length();
        progress.show(
                Figures.format(
                        "step %"
                                + digits
                                + "d/%d  epoch %.2f  loss %.4f  lr %.2e  %,.0f tok/s  ETA %s  peak %s",
                        s.step(),
                        totalSteps,
                        s.epoch(),
                        console.terminal() ? loss : s.loss(),
                        s.learningRate(),
                        s.tokens() / s.stepSeconds(),
                        Figures.duration((totalSteps - s.step()) * stepSeconds),
                        Figures.mebibytes(s.peakBytes())),
                first || s.step() == totalSteps);
    }

    private static double averaged(double average, double newest) {
        return (1 - NEWEST) * average + NEWEST * newest;
    }
}
