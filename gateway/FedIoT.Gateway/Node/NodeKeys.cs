using FedIoT.Consensus;
using FedIoT.Signing;

namespace FedIoT.Gateway.Node;

/// <summary>
/// A gateway's two keys: the node key signs transactions and votes, the training key signs deltas. Both in software
/// here; hardware keys implement the same <see cref="ISigner"/>.
/// </summary>
/// <param name="Node">Votes, transactions.</param>
/// <param name="Training">Deltas.</param>
public sealed record NodeKeys(ISigner Node, ISigner Training) : IDisposable
{
    /// <summary>Opens the key files of a folder, or makes them.</summary>
    /// <param name="folder">Created when missing, readable by its owner alone.</param>
    public static NodeKeys OpenOrCreate(string folder)
    {
        Directory.CreateDirectory(folder);
        return new NodeKeys(OpenOrCreateKey(folder, "node.key"), OpenOrCreateKey(folder, "training.key"));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Node.Dispose();
        Training.Dispose();
    }

    private static Ed25519Signer OpenOrCreateKey(string folder, string name)
    {
        string path = Path.Combine(folder, name);
        return File.Exists(path) ? Ed25519Signer.Open(path) : Ed25519Signer.Create(path);
    }
}
