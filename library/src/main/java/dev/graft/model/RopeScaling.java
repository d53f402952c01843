package dev.graft.model;

import java.util.List;

/// How rotary frequencies are stretched for contexts longer than those of pretraining.
public sealed interface RopeScaling {

    /// The frequencies of Su et al. 2021, unchanged.
    record Default() implements RopeScaling {}

    /// All frequencies divided by the factor (Chen et al. 2023).
    record Linear(double factor) implements RopeScaling {}

    /// A base that grows with the length of the sequence beyond the context (NTK-aware scaling,
    /// bloc97 and emozilla 2023).
    ///
    /// @param context tokens up to which nothing changes
    record Dynamic(double factor, double context) implements RopeScaling {
        private double theta(double theta, int width, int length) {
            double longest = Math.max(length, context);
            double growth = factor * longest / context - (factor - 1);
            return theta * Math.pow(growth, (double) width / (width - 2));
        }
    }

    /// Llama 3.1: long wavelengths divided by the factor, short ones kept, a ramp between.
    record Llama3(double factor, double lowFrequency, double highFrequency, double originalContext)
            implements RopeScaling {
        private float[] stretch(float[] plain) {
            double longest = originalContext / lowFrequency;
            double shortest = originalContext / highFrequency;
            float[] stretched = plain.clone();
            for (int i = 0; i < plain.length; i++) {
                double wavelength = 2 * Math.PI / plain[i];
                if (wavelength > longest) {
                    stretched[i] = (float) (plain[i] / factor);
                } else if (wavelength >= shortest) {
                    double kept =
                            (originalContext / wavelength - lowFrequency)
                                    / (highFrequency - lowFrequency);
                    stretched[i] = (float) ((1 - kept) * plain[i] / factor + kept * plain[i]);
                }
            }
            return stretched;
        }
    }

    /// YaRN (Peng et al. 2023): frequencies that turn less than `slow` times within the context are
    /// divided by the factor, those that turn more than `fast` times are kept, a ramp between;
    /// cosine and sine are multiplied by the attention factor.
    ///
    /// @param truncate whether the ends of the ramp are whole numbers
    record Yarn(
            double factor,
            double fast,
            double slow,
            boolean truncate,
            double originalContext,
            double attentionFactor)
            implements RopeScaling {
        private float[] stretch(double theta, int width, float[] plain) {
            double low = place(fast, theta, width);
            double high = place(slow, theta, width);
            double from = Math.max(truncate ? Math.floor(low) : low, 0);
            double to = Math.min(truncate ? Math.ceil(high) : high, width - 1);
            double length = from == to ? 0.001 : to - from;
            float[] stretched = new float[plain.length];
            for (int i = 0; i < plain.length; i++) {
                double divided = Math.clamp((i - from) / length, 0, 1);
                stretched[i] = (float) (plain[i] / factor * divided + plain[i] * (1 - divided));
            }
            return stretched;
        }

        /// The pair that turns so many times within the original context.
        private double place(double turns, double theta, int width) {
            return width
                    * Math.log(originalContext / (turns * 2 * Math.PI))
                    / (2 * Math.log(theta));
        }
    }

    /// LongRoPE (Ding et al. 2024): a factor for each frequency, of the second list where a sequence
    /// is longer than the original context.
    ///
    /// @param shortFactors R/2
    /// @param longFactors R/2
    record LongRope(
            List<Double> shortFactors,
            List<Double> longFactors,
            double originalContext,
            double attentionFactor)
            implements RopeScaling {
        public LongRope {
            shortFactors = List.copyOf(shortFactors);
            longFactors = List.copyOf(longFactors);
        }

        private float[] stretch(float[] plain, int length) {
            List<Double> factors = length > originalContext ? longFactors : shortFactors;
            float[] stretched = new float[plain.length];
            for (int i = 0; i < plain.length; i++) {
                stretched[i] = (float) (plain[i] / factors.get(i).floatValue());
            }
            return stretched;
        }
    }

    /// What cosine and sine are multiplied by.
    default double attentionFactor() {
        return switch (this) {
            case Default _, Linear _, Dynamic _, Llama3 _ -> 1;
            case Yarn yarn -> yarn.attentionFactor();
            case LongRope rope -> rope.attentionFactor();
        };
    }

    /// The R/2 angles per position, in float32 as Transformers computes them.
    ///
    /// @param width R, the rotated part of a head
    /// @param length tokens of the longest sequence of the pass
    default float[] inverseFrequencies(double theta, int width, int length) {
        float[] plain = plain(theta, width);
        return switch (this) {
            case Default() -> plain;
            case Linear(double factor) -> {
                for (int i = 0; i < plain.length; i++) {
                    plain[i] = (float) (plain[i] / factor);
                }
                yield plain;
            }
            case Dynamic scaling -> plain(scaling.theta(theta, width, length), width);
            case Llama3 scaling -> scaling.stretch(plain);
            case Yarn scaling -> scaling.stretch(theta, width, plain);
            case LongRope scaling -> scaling.stretch(plain, length);
        };
    }

    private static float[] plain(double theta, int width) {
        float[] plain = new float[width / 2];
        for (int i = 0; i < plain.length; i++) {
            plain[i] = (float) (1.0 / (float) Math.pow(theta, (float) (2 * i) / width));
        }
        return plain;
    }
}
