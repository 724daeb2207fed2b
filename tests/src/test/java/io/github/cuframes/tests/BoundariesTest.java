package io.github.cuframes.tests;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.github.cuframes.memory.Descriptors;

/** What may use what, as {@code docs/decisions/} gives the reasons. A rule that finds no class to look at fails. */
@AnalyzeClasses(
        packages = BoundariesTest.ROOT,
        importOptions = {DoNotIncludeTests.class, BoundariesTest.WithoutStandInAndSamples.class})
class BoundariesTest {

    static final String ROOT = "io.github.cuframes";

    /** The stand-in driver is test code, though its module has it as its main code; samples are applications. */
    static final class WithoutStandInAndSamples implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("/io/github/cuframes/standin/")
                    && !location.contains("/io/github/cuframes/samples/");
        }
    }

    private static final String JDK = "java..";
    private static final String PROTOCOL = ROOT + ".protocol..";
    private static final String MEMORY_ROOT = ROOT + ".memory";
    private static final String MEMORY = MEMORY_ROOT + "..";
    private static final String TRANSPORT = ROOT + ".memory.transport..";
    private static final String PRODUCER = ROOT + ".producer..";
    private static final String PUBLISH = ROOT + ".producer.publish..";
    private static final String SUBSCRIBER = ROOT + ".subscriber..";
    private static final String CONFORMANCE = ROOT + ".conformance..";
    private static final String COMMANDS = ROOT + ".*.cli..";
    private static final String JUNIXSOCKET = "org.newsclub..";
    private static final String JNA = "com.sun.jna..";
    private static final String CUDA = MEMORY_ROOT + ".cuda";
    private static final String LINUX = MEMORY_ROOT + ".linux";

    @ArchTest
    static final ArchRule protocolNeedsTheJdkOnly = classes()
            .that()
            .resideInAPackage(PROTOCOL)
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(PROTOCOL, JDK));

    @ArchTest
    static final ArchRule memoryNeedsProtocolAndSockets = classes()
            .that()
            .resideInAPackage(MEMORY)
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(MEMORY, PROTOCOL, JUNIXSOCKET, JNA, JDK));

    /** One package calls the CUDA driver and one the C library; all others go through them. */
    @ArchTest
    static final ArchRule nativeCallsAreTheDriversAndTheKernels =
            noClasses().that().resideOutsideOfPackages(CUDA, LINUX).should().dependOnClassesThat(resideInAPackage(JNA));

    @ArchTest
    static final ArchRule nativeCallsToTheKernelKnowNothingOfFrames = classes()
            .that()
            .resideInAPackage(LINUX)
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(LINUX, JNA, JDK));

    /** An application that decodes by itself publishes its frames without FFmpeg. */
    @ArchTest
    static final ArchRule publisherKnowsNothingOfDecoding = classes()
            .that()
            .resideInAPackage(PUBLISH)
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(PUBLISH, MEMORY, PROTOCOL, "org.slf4j..", JDK));

    @ArchTest
    static final ArchRule producerDoesNotSeeSubscriber =
            noClasses().that().resideInAPackage(PRODUCER).should().dependOnClassesThat(resideInAPackage(SUBSCRIBER));

    @ArchTest
    static final ArchRule subscriberDoesNotSeeProducer = noClasses()
            .that()
            .resideInAPackage(SUBSCRIBER)
            .should()
            .dependOnClassesThat(resideInAnyPackage(PRODUCER, "org.bytedeco.ffmpeg..", "org.bytedeco.javacv.."));

    /** What checks implementations shares no code with one, but for sockets and files; its bytes and numbers are its own. */
    @ArchTest
    static final ArchRule conformanceIsNobodysImplementation = noClasses()
            .that()
            .resideInAPackage(CONFORMANCE)
            .should()
            .dependOnClassesThat(resideInAnyPackage(PRODUCER, SUBSCRIBER, PROTOCOL));

    @ArchTest
    static final ArchRule socketsAreTheTransports = noClasses()
            .that()
            .resideOutsideOfPackage(TRANSPORT)
            .and()
            .doNotBelongToAnyOf(Descriptors.class)
            .should()
            .dependOnClassesThat(resideInAPackage(JUNIXSOCKET));

    @ArchTest
    static final ArchRule optionsAreTheCommands = noClasses()
            .that()
            .resideOutsideOfPackage(COMMANDS)
            .should()
            .dependOnClassesThat(resideInAPackage("picocli.."));

    @ArchTest
    static final ArchRule onlyCommandsEndTheProcess = noClasses()
            .that()
            .resideOutsideOfPackage(COMMANDS)
            .should()
            .callMethod(System.class, "exit", int.class)
            .orShould()
            .callMethod(Runtime.class, "exit", int.class)
            .orShould()
            .callMethod(Runtime.class, "halt", int.class);

    @ArchTest
    static final ArchRule packagesHaveNoCycles =
            slices().matching(ROOT + ".(**)").should().beFreeOfCycles();
}
