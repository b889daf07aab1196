using Xunit.v3;

// The simulation fills every core and the thread pool; a killed process beside it would measure nothing but that.
[assembly: Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
