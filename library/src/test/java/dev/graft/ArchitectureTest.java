package dev.graft;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.library.GeneralCodingRules;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// What the compiled classes show that the import lines do not.
class ArchitectureTest {
    private static JavaClasses library;

    @BeforeAll
    static void read() throws Exception {
        // Names are enough; without this, the huge classes of libtorch's binding would be read.
        ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false);
        var classes = Finetune.class.getProtectionDomain().getCodeSource().getLocation();
        library = new ClassFileImporter().importPath(Path.of(classes.toURI()));
        assertThat(library.size()).isGreaterThan(100);
    }

    @Test
    void roomsHaveNoCycles() {
        slices().matching("dev.graft.(*)..").should().beFreeOfCycles().check(library);
    }

    @Test
    void onlyThreeRoomsReachLibtorch() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "dev.graft.tensor..", "dev.graft.kernel..", "dev.graft.distributed..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.bytedeco..")
                .check(library);
    }

    @Test
    void dataReachesNoTensors() {
        noClasses()
                .that()
                .resideInAPackage("dev.graft.data..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.graft.tensor..",
                        "dev.graft.kernel..",
                        "dev.graft.format..",
                        "dev.graft.nn..",
                        "dev.graft.model..")
                .check(library);
    }

    @Test
    void libraryNeverEndsTheProcess() {
        noClasses().should().callMethod(System.class, "exit", int.class).check(library);
        noClasses().should().callMethod(Runtime.class, "halt", int.class).check(library);
    }

    @Test
    void libraryPrintsNothing() {
        GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(library);
        GeneralCodingRules.NO_CLASSES_SHOULD_USE_JAVA_UTIL_LOGGING.check(library);
    }

    @Test
    void failuresAreNamed() {
        GeneralCodingRules.NO_CLASSES_SHOULD_THROW_GENERIC_EXCEPTIONS.check(library);
    }
}
