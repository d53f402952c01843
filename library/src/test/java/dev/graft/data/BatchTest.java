package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class BatchTest {
    @Test
    void sequencesLieEndToEndAndPositionsRestart() {
        var batch = Batch.of(List.of(Example.allTrained(1, 5, 6), Example.allTrained(1, 7)));

        assertThat(batch.ids()).containsExactly(1, 5, 6, 1, 7);
        assertThat(batch.positions()).containsExactly(0, 1, 2, 0, 1);
        assertThat(batch.offsets()).containsExactly(0, 3, 5);
        assertThat(batch.sequences()).isEqualTo(2);
        assertThat(batch.tokens()).isEqualTo(5);
        assertThat(batch.longest()).isEqualTo(3);
    }

    @Test
    void aLabelIsTheNextTrainedTokenOfTheSameSequence() {
        var batch =
                Batch.of(List.of(Example.completion(2, 1, 5, 6, 2), Example.completion(1, 1, 7)));

        assertThat(batch.labels()).containsExactly(-1, 6, 2, -1, 7, -1);
        assertThat(batch.trainedTokens()).isEqualTo(3);
    }

    @Test
    void theFirstTokenOfASequenceIsNeverATarget() {
        var example = Example.completion(0, 9, 8);

        assertThat(example.trained()).containsExactly(false, true);
        assertThat(Batch.of(List.of(example, example)).labels()).containsExactly(8, -1, 8, -1);
    }

    @Test
    void aTokenIsTrainedByPositionWhateverItsId() {
        int eos = 2;
        var batch = Batch.of(List.of(Example.completion(3, 1, eos, 5, eos)));

        assertThat(batch.labels()).containsExactly(-1, -1, eos, -1);
    }

    @Test
    void anExampleAndABatchNeedTokens() {
        assertThatThrownBy(() -> Example.allTrained()).hasMessageContaining("at least one token");
        assertThatThrownBy(() -> Batch.of(List.of())).hasMessageContaining("at least one example");
    }
}
