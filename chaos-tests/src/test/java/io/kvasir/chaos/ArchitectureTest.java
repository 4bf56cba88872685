package io.kvasir.chaos;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows of the house: chaos → node → actors → {transport, runtime}, and nothing backwards. */
@AnalyzeClasses(packages = "io.kvasir", importOptions = DoNotIncludeTests.class)
final class ArchitectureTest {
  private static final String TRANSPORT = "io.kvasir.transport..";
  private static final String RUNTIME = "io.kvasir.runtime..";
  private static final String ACTORS = "io.kvasir.actors..";
  private static final String NODE = "io.kvasir.node..";
  private static final String CHAOS = "io.kvasir.chaos..";

  @ArchTest
  static final ArchRule transportKnowsNobody =
      noClasses()
          .that()
          .resideInAPackage(TRANSPORT)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(RUNTIME, ACTORS, NODE, CHAOS, "org.apache.pekko..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule runtimeKnowsNoActorsAndNoNetwork =
      noClasses()
          .that()
          .resideInAPackage(RUNTIME)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              TRANSPORT,
              ACTORS,
              NODE,
              CHAOS,
              "org.apache.pekko..",
              "io.aeron..",
              "java.net.http..");

  @ArchTest
  static final ArchRule actorsDoNotLookUp =
      noClasses()
          .that()
          .resideInAPackage(ACTORS)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(NODE, CHAOS)
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule nodeDoesNotKnowChaos =
      noClasses()
          .that()
          .resideInAPackage(NODE)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(CHAOS)
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule onlyTheCpuDeviceUsesTheVectorApi =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.kvasir.runtime.device.cpu")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("jdk.incubator.vector..");

  @ArchTest
  static final ArchRule onlyTrainUsesLibtorch =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.kvasir.runtime.train..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.bytedeco..");
}
