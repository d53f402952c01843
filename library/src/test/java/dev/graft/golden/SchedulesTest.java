package dev.graft.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.config.LrSchedulerType;
import dev.graft.config.OptimizerOptions;
import dev.graft.optim.Schedule;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/// Learning-rate schedules against `get_scheduler` of Transformers.
class SchedulesTest {
    private final JsonNode golden = Golden.json("schedules.json");

    @Test
    void everyMultiplierEqualsThatOfTransformers() {
        assertThat(golden.get("schedules")).isNotEmpty();
        for (JsonNode run : golden.get("schedules")) {
            String name = run.get("name").asText();
            var schedule =
                    new Schedule(
                            Schedule.Course.valueOf(name.toUpperCase(Locale.ROOT)),
                            run.get("warmup_steps").asInt(),
                            run.get("steps").asInt());
            double[] multipliers = Golden.doubles(run.get("multipliers"));
            for (int step = 0; step < multipliers.length; step++) {
                assertThat(schedule.at(step))
                        .as("%s, step %d", schedule, step)
                        .isCloseTo(multipliers[step], within(1e-12));
            }
        }
    }

    @Test
    void stepsOfAWarmupRatioEqualThoseOfTransformers() {
        assertThat(golden.get("warmup_ratios")).isNotEmpty();
        for (JsonNode run : golden.get("warmup_ratios")) {
            var schedule =
                    new OptimizerOptions.Schedule(
                            LrSchedulerType.LINEAR, run.get("warmup_ratio").asDouble(), 0);
            assertThat(schedule.warmupSteps(run.get("steps").asInt()))
                    .as(run.toString())
                    .isEqualTo(run.get("warmup_steps").asInt());
        }
    }

    @Test
    void warmupStepsGoBeforeTheRatio() {
        var schedule = new OptimizerOptions.Schedule(LrSchedulerType.COSINE, 0.5, 3);
        assertThat(schedule.warmupSteps(100)).isEqualTo(3);
    }

    @Test
    void everyCourseOfTheConfigIsOneOfTheOptimizers() {
        List<String> courses = Arrays.stream(Schedule.Course.values()).map(Enum::name).toList();
        assertThat(Arrays.stream(LrSchedulerType.values()).map(Enum::name))
                .containsExactlyElementsOf(courses);
    }
}
