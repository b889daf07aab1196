using Xunit.v3;

// The suites start whole networks as processes; beside them, suites with real timers would measure the machine's load.
[assembly: Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
