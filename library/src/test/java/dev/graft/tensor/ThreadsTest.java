package dev.graft.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ThreadsTest {
    @Test
    void threadsAreThoseThatAreAskedForElseOneAProcessor() {
        assertThat(Threads.wanted("3", 8)).isEqualTo(3);
        for (String nothing : new String[] {null, "", "0", "-1", "4,2", "many"}) {
            assertThat(Threads.wanted(nothing, 8)).as("%s", nothing).isEqualTo(8);
        }
    }
}
