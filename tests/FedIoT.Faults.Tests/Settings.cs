using System.Globalization;

namespace FedIoT.Faults.Tests;

/// <summary>What the environment asks for; without it the runs are short.</summary>
internal static class Settings
{
    /// <summary>Whether the runs have the length of the specification.</summary>
    public static bool IsLong => Environment.GetEnvironmentVariable("FEDIOT_FAULTS_LONG") is "1";

    /// <summary>How long the chain may take to move again after faults: what is claimed for a machine that does nothing
    /// else, in the long runs; six times that in the short ones, which run beside other work.</summary>
    public static TimeSpan CalmMax(int seconds) => TimeSpan.FromSeconds(IsLong ? seconds : 6 * seconds);

    /// <summary><c>FEDIOT_SEED</c> alone, or 1 to <c>FEDIOT_PROCESS_SEEDS</c>; 1 without either.</summary>
    public static IEnumerable<ulong> Seeds =>
        Number("FEDIOT_SEED") is { } one ? [(ulong)one] : Enumerable.Range(1, Number("FEDIOT_PROCESS_SEEDS") ?? 1)
            .Select(i => (ulong)i);

    /// <summary>How often processes of a network are killed one after the other.</summary>
    public static int Kills => Number("FEDIOT_KILLS") ?? 0;

    private static int? Number(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int number)
            ? number
            : null;
}
