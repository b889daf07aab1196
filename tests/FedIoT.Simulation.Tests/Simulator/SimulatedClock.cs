namespace FedIoT.Simulation;

/// <summary>Virtual time; the wall clock of a node may be wrong and jump, its monotonic clock is not.</summary>
internal sealed class SimulatedClock(Func<long> nowMs) : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How far the wall clock is ahead.</summary>
    public long SkewMs { get; set; }

    public override long TimestampFrequency => 1_000;

    public override long GetTimestamp() => nowMs();

    public override DateTimeOffset GetUtcNow() => Start.AddMilliseconds(nowMs() + SkewMs);
}
