using System.Collections.Immutable;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Ledger;

/// <summary>A task and where it stands. Immutable.</summary>
public sealed record TaskState
{
    /// <summary>Task id: SHA-256 of the encoded specification.</summary>
    public required Hash256 Id { get; init; }

    /// <summary>What the task is.</summary>
    public required TaskSpecification Specification { get; init; }

    /// <summary>The encoded specification.</summary>
    public required ReadOnlyMemory<byte> SpecificationBytes { get; init; }

    /// <summary>Where it stands.</summary>
    public required TaskPhase Phase { get; init; }

    /// <summary>Current round, from 1; while <see cref="TaskPhase.Pending"/> the last closed one, 0 at first.</summary>
    public required int Round { get; init; }

    /// <summary>Block that opened the current round, or the last one; genesis before the first.</summary>
    public Height RoundStart { get; init; }

    /// <summary>First block whose transactions the phase takes.</summary>
    public required Height PhaseStart { get; init; }

    /// <summary>Feature sums so far.</summary>
    public required StatisticsTotals Totals { get; init; }

    /// <summary>Gateways that gave feature sums.</summary>
    public required ImmutableSortedSet<AccountId> StatisticsFrom { get; init; }

    /// <summary>Set when the statistics phase closes.</summary>
    public Standardisation? Standardisation { get; init; }

    /// <summary>Gateways that may take part in the current round: fixed when it opens.</summary>
    public required ImmutableSortedSet<AccountId> Expected { get; init; }

    /// <summary>What gateways did in the current round.</summary>
    public required ImmutableSortedDictionary<AccountId, Participation> Participations { get; init; }

    /// <summary>The current model.</summary>
    public required ModelState Model { get; init; }

    /// <summary>The model before it; null for version 0.</summary>
    public ModelState? PreviousModel { get; init; }

    /// <summary>All versions, index = version.</summary>
    public required ImmutableList<ModelVersion> Versions { get; init; }

    /// <summary>Gateways that the current phase still waits for: none in phases without transactions.</summary>
    /// <remarks>For the statistics phase ask <see cref="LedgerState.WaitingFor"/>, which knows the devices.</remarks>
    public IEnumerable<AccountId> RoundWaitsFor() => Phase switch
    {
        TaskPhase.Commit => Expected.Where(id => !Participations.ContainsKey(id)),
        TaskPhase.Reveal => Participations.Values.Where(p => !p.IsDone).Select(p => p.Gateway),
        _ => [],
    };
}
