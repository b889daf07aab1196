namespace FedIoT.Simulation.Defects;

/// <summary>Which defect is active; one at a time, for all seeds.</summary>
internal static class SeededDefect
{
    private static volatile Defect active;

    public static bool Is(Defect defect) => active == defect;

    public static void Activate(Defect defect) => active = defect;
}
