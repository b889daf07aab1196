using Xunit.v3;

// One network at a time: two would measure each other.
[assembly: Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
