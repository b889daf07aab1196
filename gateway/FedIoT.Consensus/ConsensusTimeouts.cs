namespace FedIoT.Consensus;

/// <summary>
/// How long a node waits. The three round timeouts grow by their step with every round, because the algorithm lives
/// only if they exceed the (unknown) network delay at some time; <see cref="Maximum"/> bounds them.
/// </summary>
public sealed record ConsensusTimeouts
{
    /// <summary>For the proposal: building, signing (150 ms on a slow chip), sending 4 MiB, validating.</summary>
    public TimeSpan Propose { get; init; } = TimeSpan.FromMilliseconds(1_500);

    /// <summary>For the missing prevotes, once two thirds have prevoted anything.</summary>
    public TimeSpan Prevote { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>For the missing precommits, once two thirds have precommitted anything.</summary>
    public TimeSpan Precommit { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Added to each of the three for every round.</summary>
    public TimeSpan RoundStep { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>No round timeout is longer.</summary>
    public TimeSpan Maximum { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>From the start of a height to its proposal at the earliest: lets transactions gather.</summary>
    public TimeSpan MinimumBlockInterval { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>An empty block is made after so long without a transaction.</summary>
    public TimeSpan IdleInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The timeout of a kind in a round.</summary>
    public TimeSpan Of(TimeoutKind kind, int round) => kind switch
    {
        TimeoutKind.Propose => Grown(Propose, round),
        TimeoutKind.Prevote => Grown(Prevote, round),
        TimeoutKind.Precommit => Grown(Precommit, round),
        TimeoutKind.MinimumInterval => MinimumBlockInterval,
        TimeoutKind.Idle => IdleInterval,
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private TimeSpan Grown(TimeSpan first, int round)
    {
        // Compared in ticks before multiplying, so that no round overflows.
        bool tooLong = RoundStep > TimeSpan.Zero && round > (Maximum - first) / RoundStep;
        return tooLong ? Maximum : first + (RoundStep * round);
    }
}
