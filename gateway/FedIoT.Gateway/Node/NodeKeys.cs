using FedIoT.Consensus;
using FedIoT.Signing;

namespace FedIoT.Gateway.Node;

/// <summary>
/// A gateway's two keys: the node key signs transactions and votes, the training key signs deltas. Each may be in a
/// file, a token or a chip.
/// </summary>
/// <param name="Node">Votes, transactions.</param>
/// <param name="Training">Deltas.</param>
public sealed record NodeKeys(ISigner Node, ISigner Training) : IDisposable
{
    /// <summary>Opens the key files of a folder, or makes them.</summary>
    /// <param name="folder">Created when missing, readable by its owner alone.</param>
    /// <exception cref="SignerException">A file is no key file, or open to others.</exception>
    public static NodeKeys OpenOrCreate(string folder)
    {
        Directory.CreateDirectory(folder);
        return OpenOrCreate(
            SignerAddress.OfFile(Path.Combine(folder, "node.key")),
            SignerAddress.OfFile(Path.Combine(folder, "training.key")), TimeProvider.System);
    }

    /// <summary>Opens two keys; a key file that does not exist is made, a key in hardware is not.</summary>
    /// <param name="node">Where the node key is.</param>
    /// <param name="training">Where the training key is.</param>
    /// <param name="time">Waits for chips.</param>
    /// <exception cref="SignerException">A key cannot be opened.</exception>
    public static NodeKeys OpenOrCreate(SignerAddress node, SignerAddress training, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(training);
        ISigner first = OpenOrCreateKey(node, time);
        try
        {
            return new NodeKeys(first, OpenOrCreateKey(training, time));
        }
        catch (SignerException)
        {
            first.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Node.Dispose();
        Training.Dispose();
    }

    private static ISigner OpenOrCreateKey(SignerAddress address, TimeProvider time) =>
        address.FilePath is { } path && !File.Exists(path)
            ? SignerFactory.Create(address, algorithm: null, time)
            : SignerFactory.Open(address, time);
}
