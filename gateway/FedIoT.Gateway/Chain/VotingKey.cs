using FedIoT.Consensus;
using FedIoT.Signing;
using FedIoT.Storage.Chain;
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

    /// <summary>Name of the file that ties the memory to a chip's counter.</summary>
    public const string CounterFile = "sign-epoch";

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

    /// <summary>Opens the memory of a key in the chain's folder.</summary>
    /// <exception cref="Storage.Files.StorageException">It is in use by another process, or damaged.</exception>
    /// <exception cref="SignerException">The chip's counter is not tied to this folder.</exception>
    public static VotingKey Open(string chainFolder, ISigner signer, string chainId)
    {
        AccountId id = signer.PublicKey.Account;
        SignStateLog memory = SignStateLog.Open(Path.Combine(chainFolder, MemoryFolder, id.ToString()), id);
        try
        {
            CountedSignState? counted = signer is ICountedSigner { Counter: { } counter }
                ? CountedSignState.Attach(Path.Combine(chainFolder, CounterFile), memory, counter)
                : null;
            return new VotingKey(signer, memory, chainId, counted);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

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
}
