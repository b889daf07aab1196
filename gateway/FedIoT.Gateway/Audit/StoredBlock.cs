using FedIoT.Wire;

namespace FedIoT.Gateway.Audit;

/// <summary>A committed block as it lies in the store; nothing but the order of records was checked.</summary>
/// <param name="Height">Its place in the store.</param>
/// <param name="Encoded">Encoded block.</param>
/// <param name="Commit">Encoded commit.</param>
/// <param name="PreviousCommitHash">Hash of the stored commit of the block before; zero at height 1.</param>
/// <param name="Problem">Set when the store ends here because of it; then there are no bytes.</param>
internal sealed record StoredBlock(
    Height Height, byte[] Encoded, byte[] Commit, Hash256 PreviousCommitHash, AuditFinding? Problem)
{
    public static StoredBlock Broken(AuditFinding problem) => new(problem.Height, [], [], Hash256.Zero, problem);
}
