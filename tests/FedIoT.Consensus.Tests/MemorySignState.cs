using FedIoT.Wire;

namespace FedIoT.Consensus.Tests;

/// <summary>A sign state that survives what the test says it survives.</summary>
internal sealed class MemorySignState : ISignState
{
    private readonly List<SignRecord> records = [];

    public SignRecord? Last => records.Count == 0 ? null : records[^1];

    public void Append(SignRecord record) => records.Add(record);

    public IReadOnlyList<SignRecord> At(Height height) => [.. records.Where(r => r.Height == height)];

    public MemorySignState Copy()
    {
        var copy = new MemorySignState();
        copy.records.AddRange(records);
        return copy;
    }
}
