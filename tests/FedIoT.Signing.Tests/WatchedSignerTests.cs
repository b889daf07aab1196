using FedIoT.Consensus;
using FedIoT.Wire.Cose;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace FedIoT.Signing.Tests;

/// <summary>The watch over a key: what it reports, when it tries again, and that it comes back by itself.</summary>
public sealed class WatchedSignerTests : SignerContract, IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly FailingToken token = new();
    private readonly List<SignerHealth> reports = [];
    private readonly byte[] signature = new byte[64];

    public void Dispose() => token.Dispose();

    [Fact]
    public void Sign_TokenFails_IsReportedOnceAndNotAskedAgainBeforeThePauseIsOver()
    {
        using WatchedSigner watched = Watch();
        watched.Sign("m"u8, signature);
        Assert.True(watched.Health.IsWorking);
        Assert.Empty(reports);
        token.Fault = SignerFault.Absent;
        for (int i = 0; i < 100; i++)
        {
            SignerException error = Assert.Throws<SignerException>(() => watched.Sign("m"u8, signature));
            Assert.Equal(SignerFault.Absent, TokenException.FaultOf(error));
        }

        Assert.Equal(2, token.Calls);
        Assert.Equal(("trouble Absent", SignerFault.Absent), (watched.Health.Reason, watched.Health.Fault));
        Assert.Single(reports);
        token.Fault = null;
        Assert.Throws<SignerException>(() => watched.Sign("m"u8, signature)); // not due yet
        time.Advance(TimeSpan.FromMilliseconds(250));
        watched.Sign("again"u8, signature);
        Assert.True(watched.PublicKey.Verify("again"u8, signature));
        Assert.Equal([false, true], reports.Select(r => r.IsWorking));
        Assert.Equal(time.GetUtcNow(), watched.Health.Since);
    }

    [Fact]
    public void Sign_TokenAwayForAnHour_IsAskedWithPausesOfAtMostTenSeconds()
    {
        using WatchedSigner watched = Watch();
        token.Fault = SignerFault.Absent;
        var attempts = new List<TimeSpan>();
        for (TimeSpan elapsed = default; elapsed < TimeSpan.FromHours(1); elapsed += TimeSpan.FromMilliseconds(50))
        {
            int before = token.Failures;
            Assert.Throws<SignerException>(() => watched.Sign("m"u8, signature));
            if (token.Failures > before)
            {
                attempts.Add(elapsed);
            }

            time.Advance(TimeSpan.FromMilliseconds(50));
        }

        TimeSpan[] pauses = [.. attempts.Zip(attempts.Skip(1), (a, b) => b - a)];
        Assert.InRange(attempts.Count, 360, 730); // pauses of 5 to 10 s once they have grown
        Assert.All(pauses, p => Assert.InRange(p.TotalSeconds, 0.1, 10.05));
        Assert.True(pauses.Skip(10).Select(p => p.Ticks).Distinct().Count() > 10, "the pauses have no jitter");
        Assert.Single(reports);
    }

    [Fact]
    public async Task Watch_TokenComesBack_RecoversWithoutAnybodyAsking()
    {
        using WatchedSigner watched = Watch();
        using var stop = new CancellationTokenSource();
        var recovered = new TaskCompletionSource();
        watched.HealthChanged += h => _ = h.IsWorking && recovered.TrySetResult();
        Task watching = watched.WatchAsync(stop.Token);
        for (int time2 = 0; time2 < 2; time2++)
        {
            recovered = new TaskCompletionSource();
            token.Fault = SignerFault.Absent;
            Assert.Throws<SignerException>(() => watched.Sign("m"u8, signature));
            token.Fault = null;
            while (!recovered.Task.IsCompleted)
            {
                time.Advance(TimeSpan.FromMilliseconds(100));
                await Task.Yield();
            }
        }

        Assert.True(watched.Health.IsWorking);
        await stop.CancelAsync();
        await watching;
    }

    [Fact]
    public void Sign_OtherTroubleThanBefore_IsReportedAsNews()
    {
        using WatchedSigner watched = Watch();
        SignerFault[] faults = [SignerFault.Absent, SignerFault.PinRefused, SignerFault.PinLocked];
        foreach (SignerFault fault in faults)
        {
            token.Fault = fault;
            time.Advance(TimeSpan.FromSeconds(11));
            Assert.Throws<SignerException>(() => watched.Sign("m"u8, signature));
        }

        Assert.Equal(faults, reports.Select(r => r.Fault!.Value));
    }

    [Fact]
    public void Sign_RepeatedFailure_OpensTheKeyAnew()
    {
        using WatchedSigner watched = Watch();
        token.Fault = SignerFault.Absent;
        for (int i = 0; i < 3; i++)
        {
            Assert.Throws<SignerException>(() => watched.Sign("m"u8, signature));
            time.Advance(TimeSpan.FromSeconds(11));
        }

        token.Fault = null;
        watched.Sign("m"u8, signature);
        Assert.Equal(2, token.Openings);
    }

    [Fact]
    public void Open_AbsentTokenOfAKnownKey_IsDegradedAndSignsLater()
    {
        VerifyingKey known = token.PublicKey;
        token.Fault = SignerFault.Absent;
        Assert.Throws<SignerException>(() => WatchedSigner.Open(token.Open, known: null, hasCounter: false, time));
        using WatchedSigner watched = WatchedSigner.Open(token.Open, known, hasCounter: false, time);
        Assert.Equal(known, watched.PublicKey);
        Assert.Equal(SignerFault.Absent, watched.Health.Fault);
        token.Fault = null;
        time.Advance(TimeSpan.FromSeconds(1));
        watched.Sign("m"u8, signature);
        Assert.True(known.Verify("m"u8, signature));
        Assert.True(watched.Health.IsWorking);
    }

    [Fact]
    public void Open_OtherKeyInTheToken_NeverSignsWithIt()
    {
        using var other = new FailingToken(1);
        using WatchedSigner watched = WatchedSigner.Open(token.Open, other.PublicKey, hasCounter: false, time);
        SignerException error = Assert.Throws<SignerException>(() => watched.Sign("m"u8, signature));
        Assert.Equal(SignerFault.KeyMissing, TokenException.FaultOf(error));
        Assert.Contains("Put the right token back", error.Message, StringComparison.Ordinal);
        Assert.Equal(other.PublicKey, watched.PublicKey);
    }

    [Fact]
    public async Task Health_TokenThatHangs_SaysSoAndDisposalDoesNotWaitForIt()
    {
        WatchedSigner watched = Watch();
        using var hang = new ManualResetEventSlim();
        token.Hang = hang;
        Task call = Task.Run(() => watched.Sign("m"u8, new byte[64]), TestContext.Current.CancellationToken);
        await token.Entered.Task;
        time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(SignerFault.Busy, watched.Health.Fault);
        Assert.Contains("has not answered for 9 s", watched.Health.Reason, StringComparison.Ordinal);
        watched.Dispose();
        hang.Set();
        await call;
        Assert.True(watched.Health.IsWorking);
    }

    protected override bool HasAttestation => false;

    protected override ISigner CreateSigner()
    {
        var inner = new FailingToken(contractKeys++);
        return WatchedSigner.Open(inner.Open, known: null, hasCounter: false, time);
    }

    private byte contractKeys = 10;

    private WatchedSigner Watch()
    {
        WatchedSigner watched = WatchedSigner.Open(token.Open, known: null, hasCounter: false, time);
        watched.HealthChanged += reports.Add;
        return watched;
    }

    private sealed class FailingToken(byte seed = 0) : ISigner
    {
        private readonly Ed25519Signer key = Ed25519Signer.FromSeed([.. Enumerable.Repeat(seed, 32)]);
        private bool closed;

        public SignerFault? Fault { get; set; }

        public ManualResetEventSlim? Hang { get; set; }

        public TaskCompletionSource Entered { get; } = new();

        public int Calls { get; private set; }

        public int Openings { get; private set; }

        public int Failures { get; private set; }

        public VerifyingKey PublicKey => key.PublicKey;

        public FailingToken Open()
        {
            ThrowIfFaulty();
            Openings++;
            closed = false;
            return this;
        }

        public void Sign(ReadOnlySpan<byte> message, Span<byte> signature)
        {
            ObjectDisposedException.ThrowIf(closed, this);
            Calls++;
            Entered.TrySetResult();
            Hang?.Wait();
            ThrowIfFaulty();
            key.Sign(message, signature);
        }

        public void Dispose() => closed = true;

        private void ThrowIfFaulty()
        {
            if (Fault is { } fault)
            {
                Failures++;
                throw new TokenException(fault, "sign", $"trouble {fault}").ToSignerException();
            }
        }
    }
}
