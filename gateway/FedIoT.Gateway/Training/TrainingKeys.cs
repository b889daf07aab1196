using FedIoT.Consensus;
using FedIoT.Ledger;
using FedIoT.Signing;
using FedIoT.Storage.Files;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Training;

/// <summary>
/// A gateway's training key and its change by schedule: after so many rounds a new key is made beside the old one, and
/// once the chain has it and no open round needs the old one, the new file takes the old one's place.
/// </summary>
/// <remarks>
/// Files: the configured one, and the same name with <c>.next</c> while a change is under way. Which of them signs says
/// the chain alone, so that a crash at any point needs no other memory. One task uses it. docs/spec/keys.md.
/// </remarks>
public sealed class TrainingKeys : IDisposable
{
    /// <summary>Rounds of one key when the configuration says nothing.</summary>
    public const int RoundsDefault = 1_000;

    private const string NextExtension = ".next";

    private readonly string? path;
    private readonly int rounds;
    private readonly Func<ISigner, ISigner> guard;
    private readonly SecretSource? passphrase;
    private ISigner current;
    private Ed25519Signer? currentFile; // null while the current key is the configured one
    private ISigner? next;
    private Ed25519Signer? nextFile;

    /// <summary>Takes the configured key, and finds a change that was under way.</summary>
    /// <param name="configured">The training key; not disposed here.</param>
    /// <param name="path">Its file; null for a key in hardware, which is not changed by schedule.</param>
    /// <param name="rounds">Rounds that one key signs for; 0 for no schedule.</param>
    /// <param name="guard">Put in front of a key that is made or found here; the key stays with this object.</param>
    /// <param name="passphrase">Of the configured file, and so of the one that takes its place; null for none.</param>
    /// <exception cref="SignerException">The file of a change under way is no key file.</exception>
    public TrainingKeys(
        ISigner configured, string? path, int rounds, Func<ISigner, ISigner> guard, SecretSource? passphrase = null)
    {
        ArgumentNullException.ThrowIfNull(configured);
        ArgumentNullException.ThrowIfNull(guard);
        ArgumentOutOfRangeException.ThrowIfNegative(rounds);
        this.guard = guard;
        this.passphrase = passphrase;
        this.path = path;
        this.rounds = path is null ? 0 : rounds;
        current = configured;
        nextFile = NextPath is { } file && File.Exists(file) ? Ed25519Signer.Open(file, passphrase) : null;
        next = nextFile is null ? null : guard(nextFile);
    }

    private string? NextPath => NextOf(path);

    /// <summary>The file of a change that is under way; null for a key that is in no file.</summary>
    internal static string? NextOf(string? path) => path is null ? null : path + NextExtension;

    /// <summary>True when the account has one of the keys that are here.</summary>
    public bool IsRegistered(Account? account) =>
        account?.TrainingKey is { } key && (key.Equals(current.PublicKey) || key.Equals(next?.PublicKey));

    /// <summary>The key to register at this state; null when the chain has the right one, or cannot take another yet.
    /// </summary>
    /// <param name="state">The committed state.</param>
    /// <param name="self">This gateway.</param>
    /// <exception cref="SignerException">A new key file could not be written.</exception>
    public VerifyingKey? Wanted(LedgerState state, AccountId self)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.FindAccount(self) is not { } account || account.TrainingKey is not { } registered)
        {
            return current.PublicKey;
        }

        if (registered.Equals(next?.PublicKey) || IsOldKeyNeeded(state, account))
        {
            return null;
        }

        bool isLost = !registered.Equals(current.PublicKey);
        if (isLost && !current.PublicKey.Equals(account.PreviousTrainingKey))
        {
            return current.PublicKey; // another key was configured
        }

        if (next is null && NextPath is { } file && (isLost || IsDue(state, account)))
        {
            nextFile = Ed25519Signer.Create(file, passphrase);
            next = guard(nextFile);
        }

        return next?.PublicKey;
    }

    /// <summary>The key for a round that is open; null when it is not here any more.</summary>
    public ISigner? ForRound(Account account, TaskState task)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(task);
        VerifyingKey? key = account.TrainingKeyAt(task.RoundStart);
        return current.PublicKey.Equals(key) ? current : next?.PublicKey.Equals(key) == true ? next : null;
    }

    /// <summary>Deletes the old key when the chain has the new one and no open round needs the old one.</summary>
    /// <returns>True when a key was deleted.</returns>
    /// <exception cref="StorageException">The disk refused; both files are still there.</exception>
    public bool TryRetire(LedgerState state, AccountId self)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (next is null || state.FindAccount(self) is not { TrainingKey: { } registered } account
            || !registered.Equals(next.PublicKey) || IsOldKeyNeeded(state, account))
        {
            return false;
        }

        DurableFile.Move(NextPath!, path!);
        currentFile?.Dispose();
        (current, currentFile, next, nextFile) = (next, nextFile, null, null);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        nextFile?.Dispose();
        currentFile?.Dispose(); // the configured one belongs to whoever opened it
    }

    private static bool IsOldKeyNeeded(LedgerState state, Account account) => state.Tasks.Values.Any(
        t => t.Phase is TaskPhase.Commit or TaskPhase.Reveal && t.Expected.Contains(account.Id)
            && t.RoundStart <= account.TrainingKeySince);

    // Rounds that gave a model since the key was registered, of all tasks: the chain's clock, not the wall's.
    private bool IsDue(LedgerState state, Account account)
    {
        int closed = 0;
        foreach (TaskState task in state.Tasks.Values)
        {
            for (int i = task.Versions.Count - 1; i > 0 && closed < rounds; i--)
            {
                if (task.Versions[i].Height <= account.TrainingKeySince)
                {
                    break;
                }

                closed++;
            }
        }

        return rounds > 0 && closed >= rounds;
    }
}
