using FedIoT.Wire;

namespace FedIoT.Consensus;

/// <summary>
/// The memory of a guarded key: it belongs to one process at a time and survives a power cut. Not thread-safe; the
/// guard serialises.
/// </summary>
public interface ISignState
{
    /// <summary>The signature given last; null when none was.</summary>
    SignRecord? Last { get; }

    /// <summary>Makes a record durable. Returns only when a power cut cannot undo it.</summary>
    void Append(SignRecord record);

    /// <summary>Signatures given at a height, oldest first. Known for the latest height at least.</summary>
    IReadOnlyList<SignRecord> At(Height height);
}
