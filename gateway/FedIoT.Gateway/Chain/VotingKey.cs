using FedIoT.Consensus;
using FedIoT.Signing;
using FedIoT.Storage.Chain;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// A node key as consensus uses it: behind the guard, with the memory of what it signed and, where its chip has one,
/// the counter that tells an old copy of that memory. The one place of a node that signs votes and proposals.
/// </summary>
/// <remarks>Thread-safe. Owns the memory, not the key.</remarks>
internal sealed class VotingKey : IDisposable
{
    /// <summary>Name of the folder in the chain's folder that has a folder for the memory of each key.</summary>
    public const string MemoryFolder = "sign";

    /// <summary>Name of the folder in the chain's folder with the files that tie memories to chips' counters.</summary>
    public const string CounterFolder = "sign-epoch";

    private readonly SignStateLog memory;
    private readonly CountedSignState? counted;
    private readonly GuardedSigner guard;

    /// <summary>Puts a key and its memory together; the memory is disposed with this object.</summary>
    public VotingKey(ISigner signer, SignStateLog memory, string chainId, CountedSignState? counted = null)
    {
        this.memory = memory;
        this.counted = counted;
        PublicKey = signer.PublicKey;
        guard = new GuardedSigner(signer, counted ?? (ISignState)memory, chainId);
    }

    /// <summary>Who signs.</summary>
    public VerifyingKey PublicKey { get; }

    /// <summary>Why the chip's counter forbids to sign, although the key could; null while it does not.</summary>
    public string? Refusal => counted?.Refusal;

    /// <summary>Increments that the chip's counter has left; null where there is none, or not asked yet.</summary>
    public long? CountsLeft => counted?.CountsLeft;

    /// <summary>The file that ties the memory of a key to the counter of its chip.</summary>
    public static string CounterFile(string chainFolder, AccountId key) =>
        Path.Combine(chainFolder, CounterFolder, key.ToString());

    /// <summary>Ties a new gateway's folder to its chip's counter, whatever the counter says.</summary>
    /// <exception cref="SignerException">The folder is tied, or the counter does not answer.</exception>
    public static void Tie(string chainFolder, AccountId key, IMonotonicCounter counter)
    {
        Directory.CreateDirectory(Path.Combine(chainFolder, CounterFolder));
        CountedSignState.Tie(CounterFile(chainFolder, key), counter);

        // A tie whose name a power cut takes away looks like a folder that lost it.
        RealDisk.Instance.SyncFolder(Path.Combine(chainFolder, CounterFolder));
        RealDisk.Instance.SyncFolder(chainFolder);
    }

    /// <summary>Opens the memory of a key in the chain's folder.</summary>
    /// <exception cref="StorageException">It is in use by another process, or damaged.</exception>
    /// <exception cref="SignerException">The key signed in this folder, which its chip's counter is not tied to.
    /// </exception>
    public static VotingKey Open(string chainFolder, ISigner signer, string chainId)
    {
        AccountId id = signer.PublicKey.Account;
        SignStateLog memory = SignStateLog.Open(Path.Combine(chainFolder, MemoryFolder, id.ToString()), id);
        try
        {
            return new VotingKey(
                signer, memory, chainId,
                signer is ICountedSigner { Counter: { } counter } ? Attach(chainFolder, id, memory, counter) : null);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Compares the chip's counter with the disk, as the first signature would.</summary>
    /// <exception cref="SignerException">Nothing could be signed; the message says why.</exception>
    public void Prepare() => counted?.Prepare();

    /// <summary>Signs a vote; null when that would contradict an earlier signature.</summary>
    /// <exception cref="SignerException">The key, its counter or its memory does not permit it now.</exception>
    public SignedVote? TrySign(Vote vote) => guard.TrySign(vote);

    /// <summary>Signs a proposal; null when that would contradict an earlier signature.</summary>
    /// <exception cref="SignerException">As for a vote.</exception>
    public SignedProposal? TrySign(Proposal proposal, Block block) => guard.TrySign(proposal, block);

    /// <summary>The newest signature that was given; null before the first.</summary>
    public SignRecord? Last => memory.Last;

    /// <summary>Signatures that were given at a height, oldest first.</summary>
    public IReadOnlyList<SignRecord> SignedAt(Height height) => memory.At(height);

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        counted?.Dispose();
        memory.Dispose();
    }

    // A key that has signed nothing here begins with an empty file, which only a counter at zero accepts: such a
    // counter never guarded anything, so no memory can have been lost.
    private static CountedSignState Attach(
        string chainFolder, AccountId key, SignStateLog memory, IMonotonicCounter counter)
    {
        string file = CounterFile(chainFolder, key);
        if (memory.Last is null && !File.Exists(file))
        {
            Directory.CreateDirectory(Path.Combine(chainFolder, CounterFolder));
            DurableFile.Replace(file, []);
        }

        return CountedSignState.Attach(file, memory, counter);
    }
}
