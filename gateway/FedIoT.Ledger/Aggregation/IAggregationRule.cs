namespace FedIoT.Ledger.Aggregation;

/// <summary>
/// Makes one model update of a round's deltas. Integers only, the same numbers on every machine and for every
/// instruction set; exact definitions in docs/spec/round.md. Stateless and thread-safe.
/// </summary>
public interface IAggregationRule
{
    /// <summary>Writes round(16 × aggregate), halves away from zero, in master units.</summary>
    /// <param name="deltas">1 to 1024, ascending by device, each as long as the update, values -127 to 127.</param>
    /// <param name="byzantineCount">f, below half of the deltas.</param>
    /// <param name="masterUpdate">Receives what is to be added to the master.</param>
    /// <exception cref="ArgumentException">A count or length is not as above.</exception>
    void Aggregate(IReadOnlyList<ReadOnlyMemory<sbyte>> deltas, int byzantineCount, Span<int> masterUpdate);
}
