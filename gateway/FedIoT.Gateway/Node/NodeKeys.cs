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
    /// <summary>Put in front of a training key that is made later, as it is in front of the others.</summary>
    public Func<ISigner, ISigner> Guard { get; init; } = key => key;

    /// <summary>The file of <see cref="Training"/>, so that it can be changed by schedule; null for none.</summary>
    public string? TrainingFile { get; init; }

    /// <summary>Where the passphrase of <see cref="TrainingFile"/> comes from; null for a file without one.</summary>
    public SecretSource? TrainingPassphrase { get; init; }

    /// <summary>The node key that is to take, or has taken, the place of <see cref="Node"/>; null for none.</summary>
    public ISigner? NextNode { get; init; }

    /// <summary>The one or two node keys.</summary>
    public IReadOnlyList<ISigner> AllNode => NextNode is { } next ? [Node, next] : [Node];

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

    /// <summary>The watch over the node key behind <see cref="Node"/>; null when nobody watches it yet.</summary>
    public WatchedSigner? NodeWatch { get; init; }

    /// <summary>The watch over the key behind <see cref="NextNode"/>; null when nobody watches it yet.</summary>
    public WatchedSigner? NextWatch { get; init; }

    /// <summary>The watch over the training key behind <see cref="Training"/>; null when nobody watches it yet.
    /// </summary>
    public WatchedSigner? TrainingWatch { get; init; }

    /// <summary>These keys with a watch over each.</summary>
    internal (NodeKeys Keys, KeyWatches Watches) Watch(TimeProvider time)
    {
        WatchedSigner node = NodeWatch ?? WatchedSigner.Around(Node, time);
        WatchedSigner? next = NextWatch ?? (NextNode is { } other ? WatchedSigner.Around(other, time) : null);
        WatchedSigner training = TrainingWatch ?? WatchedSigner.Around(Training, time);
        NodeKeys watched = this with
        {
            Node = NodeWatch is null ? node : Node,
            NextNode = NextWatch is null ? next : NextNode,
            Training = TrainingWatch is null ? training : Training,
        };
        return (watched, new KeyWatches(node, next, training));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Node.Dispose();
        NextNode?.Dispose();
        Training.Dispose();
    }

    private static ISigner OpenOrCreateKey(SignerAddress address, TimeProvider time) =>
        address.FilePath is { } path && !File.Exists(path)
            ? SignerFactory.Create(address, algorithm: null, time)
            : SignerFactory.Open(address, time);
}
