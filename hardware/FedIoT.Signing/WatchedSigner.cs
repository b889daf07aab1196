using System.Buffers.Binary;
using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing;

/// <summary>
/// A key that may be away: it knows its public half, says how it is, asks a token that failed again with growing pauses
/// only, and goes on by itself when the token is back.
/// </summary>
/// <remarks>
/// <para>Thread-safe; calls queue. While it is degraded and no attempt is due, <see cref="Sign"/> fails at once with
/// the reason: a consensus that asks three times a round does not hammer a token. No attempt sends a PIN that the token
/// refused before.</para>
/// <para>A signature is a round trip to a device that may hang; <see cref="Health"/> says so and never waits.</para>
/// </remarks>
public sealed class WatchedSigner : ICountedSigner
{
    private static readonly TimeSpan BackOffMin = TimeSpan.FromMilliseconds(250);

    // A person who put the token back or corrected the PIN waits this long at most.
    private static readonly TimeSpan BackOffMax = TimeSpan.FromSeconds(10);

    // The slowest chip takes 6 s with all its retries; what takes longer hangs.
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan DisposeMax = TimeSpan.FromSeconds(2);
    private const long NoCall = long.MinValue;

    private readonly Lock gate = new();
    private readonly Func<ISigner>? open;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim degraded = new(0, 1);
    private SplitMix64 jitter;
    private ISigner? signer;
    private SignerException? failure;
    private TimeSpan backOff = BackOffMin;
    private TimeSpan pause;
    private long failedAt;
    private long callStartedAt = NoCall;
    private volatile SignerHealth health;
    private bool disposed;

    private WatchedSigner(
        VerifyingKey publicKey, ISigner? signer, Func<ISigner>? open, bool hasCounter, TimeProvider time)
    {
        PublicKey = publicKey;
        this.signer = signer;
        this.open = open;
        this.time = time;
        jitter = new SplitMix64(BinaryPrimitives.ReadUInt64BigEndian(publicKey.Account.Value.ToArray()));
        health = new SignerHealth(null, null, time.GetUtcNow());
        Counter = hasCounter ? new WatchedCounter(this) : null;
    }

    /// <summary>Raised when the key stops to work, works again, or fails in another way. Handlers must be quick.
    /// </summary>
    public event Action<SignerHealth>? HealthChanged;

    /// <inheritdoc/>
    public VerifyingKey PublicKey { get; }

    /// <inheritdoc/>
    public IMonotonicCounter? Counter { get; }

    /// <summary>How the key is.</summary>
    public SignerHealth Health
    {
        get
        {
            SignerHealth now = health;
            long started = Interlocked.Read(ref callStartedAt);
            return !now.IsWorking || started == NoCall || time.GetElapsedTime(started) <= CallMax
                ? now
                : new SignerHealth(
                    $"the token has not answered for {time.GetElapsedTime(started).TotalSeconds:F0} s",
                    SignerFault.Busy, time.GetUtcNow() - time.GetElapsedTime(started));
        }
    }

    private static ReadOnlySpan<byte> Probe => "fediot signer probe"u8;

    /// <summary>Opens a key. One in hardware may be away when its public half is known from before.</summary>
    /// <param name="address">Where the key is.</param>
    /// <param name="known">Its public half as an earlier opening saw it; null when it never was opened.</param>
    /// <param name="time">Clock.</param>
    /// <exception cref="SignerException">The key does not open, and it is in a file or its public half is not known.
    /// </exception>
    public static WatchedSigner Open(SignerAddress address, VerifyingKey? known, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(address);
        return Open(
            () => SignerFactory.Open(address, time), address.IsHardware ? known : null,
            hasCounter: address.Atecc608 is not null, time);
    }

    /// <summary>As for an address, with any way to open the key.</summary>
    /// <param name="open">Opens the key anew; called again after failures.</param>
    /// <param name="known">As above.</param>
    /// <param name="hasCounter">The signers that <paramref name="open"/> gives have a monotonic counter.</param>
    /// <param name="time">Clock.</param>
    /// <exception cref="SignerException">As above.</exception>
    public static WatchedSigner Open(
        Func<ISigner> open, VerifyingKey? known, bool hasCounter, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(open);
        ArgumentNullException.ThrowIfNull(time);
        if (known is null)
        {
            ISigner first = open();
            return new WatchedSigner(first.PublicKey, first, open, hasCounter, time);
        }

        var watched = new WatchedSigner(known, signer: null, open, hasCounter, time);
        watched.TryRecover();
        return watched;
    }

    /// <summary>Watches a key that is open already. It is disposed with this object.</summary>
    /// <param name="signer">The key.</param>
    /// <param name="time">Clock.</param>
    public static WatchedSigner Around(ISigner signer, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(time);
        return signer as WatchedSigner
            ?? new WatchedSigner(
                signer.PublicKey, signer, open: null, signer is ICountedSigner { Counter: not null }, time);
    }

    /// <inheritdoc/>
    public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
    {
        if (signature.Length != VerifyingKey.SignatureLength)
        {
            throw new ArgumentException($"A signature has {VerifyingKey.SignatureLength} bytes.", nameof(signature));
        }

        lock (gate)
        {
            ThrowUnlessDue();
            Interlocked.Exchange(ref callStartedAt, time.GetTimestamp());
            try
            {
                Ready().Sign(message, signature);
                Worked();
            }
            catch (SignerException e)
            {
                Failed(e);
                throw;
            }
            finally
            {
                Interlocked.Exchange(ref callStartedAt, NoCall);
            }
        }
    }

    /// <summary>Tries to bring a degraded key back whenever an attempt is due, until it is cancelled.</summary>
    /// <param name="cancellation">Ends it.</param>
    public async Task WatchAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await degraded.WaitAsync(cancellation).ConfigureAwait(false);
                while (!health.IsWorking)
                {
                    await Task.Delay(pause, time, cancellation).ConfigureAwait(false);
                    TryRecover();
                }
            }
        }
        catch (OperationCanceledException)
        {
            return; // the node stops
        }
    }

    /// <summary>Closes the key; one whose library hangs is left to the end of the process.</summary>
    public void Dispose()
    {
        if (!gate.TryEnter(DisposeMax))
        {
            return;
        }

        try
        {
            disposed = true;
            signer?.Dispose();
            signer = null;
        }
        finally
        {
            gate.Exit();
        }
    }

    // A signature over a text that is no transaction, vote or handshake: nobody can use it for anything.
    private void TryRecover()
    {
        Span<byte> signature = stackalloc byte[VerifyingKey.SignatureLength];
        try
        {
            Sign(Probe, signature);
        }
        catch (Exception e) when (e is SignerException or ObjectDisposedException)
        {
            return; // Health says it; the next attempt follows
        }
    }

    private void ThrowUnlessDue()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (failure is { } last && time.GetElapsedTime(failedAt) < pause)
        {
            throw new SignerException(last.Message, last.InnerException);
        }
    }

    private ISigner Ready()
    {
        if (signer is not null)
        {
            return signer;
        }

        ISigner opened = open?.Invoke() ?? throw new SignerException("The key is closed.");
        if (!opened.PublicKey.Equals(PublicKey))
        {
            AccountId other = opened.PublicKey.Account;
            opened.Dispose();
            throw new TokenException(
                SignerFault.KeyMissing, "open the key",
                $"the token holds another key (account {other}) than the one of this node (account "
                + $"{PublicKey.Account}). Put the right token back.").ToSignerException();
        }

        signer = opened;
        return opened;
    }

    private void Worked()
    {
        failure = null;
        backOff = BackOffMin;
        if (!health.IsWorking)
        {
            Report(new SignerHealth(null, null, time.GetUtcNow()));
        }
    }

    private void Failed(SignerException error)
    {
        bool isRepeated = failure is not null;
        failure = error;
        failedAt = time.GetTimestamp();
        pause = backOff * (0.5 + (jitter.Next(1_000) / 2_000.0));
        backOff = backOff * 2 < BackOffMax ? backOff * 2 : BackOffMax;
        if (isRepeated && open is not null)
        {
            signer?.Dispose(); // the signer's own recovery did not help: the next attempt opens the key anew
            signer = null;
        }

        SignerFault? fault = TokenException.FaultOf(error);
        bool isNews = health.IsWorking || health.Fault != fault;
        var now = new SignerHealth(error.Message, fault, isNews ? time.GetUtcNow() : health.Since);
        if (isNews)
        {
            Report(now);
        }
        else
        {
            health = now;
        }
    }

    private void Report(SignerHealth now)
    {
        bool began = health.IsWorking && !now.IsWorking;
        health = now;
        if (began && degraded.CurrentCount == 0)
        {
            degraded.Release();
        }

        HealthChanged?.Invoke(now);
    }

    private long Count(Func<IMonotonicCounter, long> call)
    {
        lock (gate)
        {
            ThrowUnlessDue();
            try
            {
                IMonotonicCounter counter = (Ready() as ICountedSigner)?.Counter
                    ?? throw new SignerException("The device has no counter any more.");
                return call(counter);
            }
            catch (SignerException e)
            {
                Failed(e);
                throw;
            }
        }
    }

    private sealed class WatchedCounter(WatchedSigner owner) : IMonotonicCounter
    {
        public long CounterMax => Atecc608.Atecc608Chip.CounterMax;

        public long ReadCounter() => owner.Count(c => c.ReadCounter());

        public long IncrementCounter() => owner.Count(c => c.IncrementCounter());
    }
}
