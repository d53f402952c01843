package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/// Operators by name, on the attention that libtorch has for processors: the one for cards is
/// called the same way.
class OperatorTest {
    @RegisterExtension final TestScope scope = new TestScope();

    private static Tensor random(long seed) {
        return Tensor.of(new Random(seed).doubles(2 * 5 * 8, -2, 2).toArray(), 1, 2, 5, 8);
    }

    @Test
    void resultsAreThoseOfTheOperator() {
        Operator attention = Operator.of("aten::_scaled_dot_product_flash_attention_for_cpu");
        Tensor q = random(1);
        Tensor k = random(2);
        Tensor v = random(3);
        Tensor[] made = attention.call(new int[] {0, 1}, q, k, v, 0.0, true, null, 0.25);
        Tensor hidden = Tensor.full(DType.F64, 1, 5, 5).triu(1).gt(0);
        Tensor scores = q.view(2, 5, 8).matmul(k.view(2, 5, 8).transpose(1, 2)).mul(0.25);
        Tensor seen = scores.maskedFill(hidden, Double.NEGATIVE_INFINITY);
        double[] expected = seen.softmax(2).matmul(v.view(2, 5, 8)).toDoubles();
        assertThat(made[0].toDoubles()).containsExactly(expected, within(1e-12));
        double[] logSums = seen.logSumExp(2, false).toDoubles();
        double[] found = made[1].contiguous().toDoubles();
        assertThat(found).hasSameSizeAs(logSums);
    }

    @Test
    void wrongArgumentsAreRefusedByTheOperatorsName() {
        Operator attention = Operator.of("aten::_scaled_dot_product_flash_attention_for_cpu");
        Tensor q = random(1);
        Tensor other = Tensor.zeros(DType.F64, 3);
        assertThatThrownBy(() -> attention.call(new int[] {0}, q, q, other, 0.0, true, null, null))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("flash_attention_for_cpu")
                .hasMessageContaining("F64[3]");
    }

    @Test
    void anUnknownOperatorIsNamed() {
        assertThatThrownBy(() -> Operator.of("aten::_no_such_operator"))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("aten::_no_such_operator");
    }
}
