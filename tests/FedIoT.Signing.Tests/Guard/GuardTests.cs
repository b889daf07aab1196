using FedIoT.Consensus;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using Xunit;

namespace FedIoT.Signing.Tests.Guard;

/// <summary>The guard over a real sign state, with failing memories and counters.</summary>
public sealed class GuardTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("fediot-guard-").FullName;
    private readonly Ed25519Signer key = Ed25519Signer.FromSeed(new byte[32]);

    public void Dispose()
    {
        key.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void TrySign_MemoryFailedOnce_SignsNothingUntilRestart()
    {
        using SignStateLog log = OpenLog();
        var failing = new FailingState(log) { FailNext = new IOException("no space left") };
        var guard = new GuardedSigner(key, failing, "c");
        Assert.Throws<IOException>(() => guard.TrySign(VoteAt(5, 0)));
        Assert.Throws<SignerException>(() => guard.TrySign(VoteAt(5, 1)));
        Assert.Throws<SignerException>(() => guard.TrySign(VoteAt(6, 1)));
        Assert.NotNull(new GuardedSigner(key, log, "c").TrySign(VoteAt(6, 1)));
    }

    [Fact]
    public void TrySign_EarlierRoundStepOrHeight_IsRefusedAndLeavesNoRecord()
    {
        using SignStateLog log = OpenLog();
        var guard = new GuardedSigner(key, log, "c");
        Assert.NotNull(guard.TrySign(VoteAt(7, 0, round: 3, VoteType.Precommit)));
        foreach ((long height, int round, VoteType type) in ((long, int, VoteType)[])
        [
            (7, 3, VoteType.Prevote), (7, 2, VoteType.Precommit), (7, 0, VoteType.Prevote), (6, 9, VoteType.Precommit),
        ])
        {
            Assert.Null(guard.TrySign(VoteAt(height, 0, round, type)));
            Assert.Null(new GuardedSigner(key, log, "c").TrySign(VoteAt(height, 1, round, type))); // a restart
        }

        Assert.Single(log.At(new Height(7)));
        Assert.NotNull(guard.TrySign(VoteAt(7, 0, round: 4, VoteType.Prevote)));
        Assert.NotNull(guard.TrySign(VoteAt(8, 0, round: 0, VoteType.Prevote)));
    }

    [Fact]
    public void TrySign_VoteOrRepetitionThatContradicts_IsRefused()
    {
        using SignStateLog log = OpenLog();
        var guard = new GuardedSigner(key, log, "c");
        SignedVote first = guard.TrySign(VoteAt(7, 0))!;
        Assert.Null(guard.TrySign(VoteAt(7, 1)));
        Assert.Equal(first.Signature.ToArray(), guard.TrySign(VoteAt(7, 0))!.Signature.ToArray());
    }

    [Fact]
    public void TrySign_VoteInTheNameOfAnotherKey_IsRefused()
    {
        using SignStateLog log = OpenLog();
        using Ed25519Signer other = Ed25519Signer.FromSeed([.. Enumerable.Repeat((byte)9, 32)]);
        Vote foreign = VoteAt(5, 0) with { Validator = other.PublicKey.Account };
        Assert.Null(new GuardedSigner(key, log, "c").TrySign(foreign));
        Assert.Null(log.Last);
    }

    [Fact]
    public void TrySign_CounterDidNotAnswerOnce_RecoversByItself()
    {
        using SignStateLog log = OpenLog();
        var failing = new FailingState(log) { FailNext = new SignerException("the chip is away") };
        var guard = new GuardedSigner(key, failing, "c");
        Assert.Throws<SignerException>(() => guard.TrySign(VoteAt(5, 0)));
        Assert.NotNull(guard.TrySign(VoteAt(5, 0)));
        Assert.Null(guard.TrySign(VoteAt(5, 1)));
    }

    [Fact]
    public void CountedState_OfTheSameDisk_OpensAgainAndAgain()
    {
        var counter = new MemoryCounter();
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter);
        for (int i = 0; i < 5; i++)
        {
            using CountedSignState state = CountedSignState.Attach(Epoch, log, counter);
            Assert.NotNull(new GuardedSigner(key, state, "c").TrySign(VoteAt(10 + i, 0)));
        }

        Assert.Equal(6, counter.Value);
    }

    [Fact]
    public void CountedState_OfAnOldCopy_IsRefused()
    {
        var counter = new MemoryCounter();
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter);
        byte[] copy = File.ReadAllBytes(Epoch);
        SignOnce(log, counter);
        File.WriteAllBytes(Epoch, copy);
        var error = Assert.Throws<SignerException>(() => SignOnce(log, counter));
        Assert.Contains("old copy", error.Message, StringComparison.Ordinal);
        File.Delete(Epoch);
        Assert.Throws<SignerException>(() => SignOnce(log, counter));
    }

    [Fact]
    public void CountedState_PowerCutBetweenFileAndCounter_Opens()
    {
        var counter = new MemoryCounter();
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter);
        counter.FailIncrement = true;
        Assert.Throws<SignerException>(() => SignOnce(log, counter));
        Assert.Throws<SignerException>(() => SignOnce(log, counter));
        counter.FailIncrement = false;
        SignOnce(log, counter);
    }

    [Fact]
    public void CountedState_TornWrite_IsTheOtherSlotsValue()
    {
        var counter = new MemoryCounter();
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter); // value 1 in slot 1
        byte[] bytes = File.ReadAllBytes(Epoch);
        bytes.AsSpan(0, 20).Fill(0xEE); // a torn write of value 2 into slot 0
        File.WriteAllBytes(Epoch, bytes);
        SignOnce(log, counter);
        bytes = File.ReadAllBytes(Epoch);
        bytes[10] ^= 1;
        bytes[60] ^= 1;
        File.WriteAllBytes(Epoch, bytes);
        Assert.Throws<SignerException>(() => SignOnce(log, counter));
    }

    [Fact]
    public void CountedState_CounterCountedARepeatedCommandTwice_Opens()
    {
        var counter = new MemoryCounter { Step = 2 };
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter);
        SignOnce(log, counter);
        Assert.Equal(4, counter.Value);
    }

    [Fact]
    public void CountedState_ThousandHeights_MoveTheCounterOnce()
    {
        var counter = new MemoryCounter();
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter);
        using CountedSignState state = CountedSignState.Attach(Epoch, log, counter);
        var guard = new GuardedSigner(key, state, "c");
        foreach (long height in (long[])[1, 2, 999, 1000, 1001, 1999, 2000, 5500])
        {
            Assert.NotNull(guard.TrySign(VoteAt(height, 0)));
        }

        Assert.Equal(2 + 3, counter.Value); // tied, started, then at 1000, 2000 and 5500
    }

    [Fact]
    public void CountedState_ChipAwayAtTheStart_IsAskedBeforeTheFirstSignatureLeaves()
    {
        var counter = new MemoryCounter();
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter);
        byte[] copy = File.ReadAllBytes(Epoch);
        SignOnce(log, counter);
        File.WriteAllBytes(Epoch, copy);
        using CountedSignState state = CountedSignState.Attach(Epoch, log, counter); // asks nothing
        Assert.Null(state.CountsLeft);
        var guard = new GuardedSigner(key, state, "c");
        for (int i = 0; i < 3; i++)
        {
            SignerException error = Assert.Throws<SignerException>(() => guard.TrySign(VoteAt(900 + i, 0)));
            Assert.Contains("old copy", error.Message, StringComparison.Ordinal);
        }

        Assert.True(log.Last!.Height.Value < 900);
    }

    [Fact]
    public void CountedState_FolderThatWasNeverTied_DoesNotOpen()
    {
        using SignStateLog log = OpenLog();
        SignerException error = Assert.Throws<SignerException>(
            () => CountedSignState.Attach(Epoch, log, new MemoryCounter()));
        Assert.Contains("never tied", error.Message, StringComparison.Ordinal);
        CountedSignState.Tie(Epoch, new MemoryCounter());
        Assert.Throws<SignerException>(() => CountedSignState.Tie(Epoch, new MemoryCounter())); // once
        using CountedSignState held = CountedSignState.Attach(Epoch, log, new MemoryCounter());
        Assert.Throws<SignerException>(() => CountedSignState.Attach(Epoch, log, new MemoryCounter()));
    }

    [Fact]
    public void CountedState_EmptyFileBesideAnEmptyMemory_IsTiedByACounterAtZeroOnly()
    {
        using SignStateLog log = OpenLog();
        File.WriteAllBytes(Epoch, []);
        var used = new MemoryCounter { Value = 1 };
        using (CountedSignState state = CountedSignState.Attach(Epoch, log, used))
        {
            SignerException error = Assert.Throws<SignerException>(state.Prepare);
            Assert.Contains("in use before", error.Message, StringComparison.Ordinal);
            Assert.Equal(error.Message, state.Refusal);
        }

        Assert.Equal(1, used.Value);
        var counter = new MemoryCounter();
        using (CountedSignState state = CountedSignState.Attach(Epoch, log, counter))
        {
            state.Prepare();
            state.Prepare(); // asks once
        }

        Assert.Equal(1, counter.Value);
        SignOnce(log, counter);
        Assert.Equal(2, counter.Value);
        File.WriteAllBytes(Epoch, []);
        counter.Value = 0; // beside a memory, an empty file is a damaged one
        Assert.Throws<SignerException>(() => SignOnce(log, counter));
    }

    [Fact]
    public void CountedState_CounterAtItsEnd_SignsNothingMoreAndSaysWhatToDo()
    {
        var counter = new MemoryCounter { Value = 2_097_148 };
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter);
        using (CountedSignState state = CountedSignState.Attach(Epoch, log, counter))
        {
            var guard = new GuardedSigner(key, state, "c");
            Assert.NotNull(guard.TrySign(VoteAt(10, 0)));
            Assert.Equal(1, state.CountsLeft);
            Assert.NotNull(guard.TrySign(VoteAt(1000, 0)));
            Assert.Equal(0, state.CountsLeft);
            Assert.NotNull(guard.TrySign(VoteAt(1999, 0))); // the thousand heights that the last count pays for
            SignerException error = Assert.Throws<SignerException>(() => guard.TrySign(VoteAt(2000, 0)));
            Assert.Contains("used up", error.Message, StringComparison.Ordinal);
        }

        Assert.Throws<SignerException>(() => SignOnce(log, counter));
        Assert.Equal(1999, log.Last!.Height.Value);
    }

    [Fact]
    public void CountedState_AnswersOfTheFirstIncrementLost_SignsWhenTheChipAnswersAgain()
    {
        var counter = new MemoryCounter();
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter);
        SignOnce(log, counter);
        using CountedSignState state = CountedSignState.Attach(Epoch, log, counter);
        var guard = new GuardedSigner(key, state, "c");
        counter.LosesAnswer = true; // it counts with each of the driver's attempts, and nobody hears it
        Assert.Throws<SignerException>(() => guard.TrySign(VoteAt(50, 0)));
        Assert.Throws<SignerException>(() => guard.TrySign(VoteAt(50, 0)));
        counter.LosesAnswer = false;
        Assert.NotNull(guard.TrySign(VoteAt(50, 0)));
        state.Dispose();
        SignOnce(log, counter);
    }

    [Fact]
    public void CountedState_CounterThatDoesNotCount_SignsNothing()
    {
        var stuck = new MemoryCounter { Value = 7, Step = 0 };
        Assert.Throws<SignerException>(() => CountedSignState.Tie(Epoch, stuck));
        var counter = new MemoryCounter { Value = 7 };
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter);
        using CountedSignState state = CountedSignState.Attach(Epoch, log, new MemoryCounter { Value = 8, Step = 0 });
        SignerException error = Assert.Throws<SignerException>(
            () => new GuardedSigner(key, state, "c").TrySign(VoteAt(5, 0)));
        Assert.Contains("does not count", error.Message, StringComparison.Ordinal);
        Assert.Equal(error.Message, state.Refusal);
        Assert.Null(log.Last);
    }

    [Fact]
    public void CountedState_CounterGoesBackInMidRun_SignsNothingMore()
    {
        var counter = new MemoryCounter();
        using SignStateLog log = OpenLog();
        CountedSignState.Tie(Epoch, counter);
        using CountedSignState state = CountedSignState.Attach(Epoch, log, counter);
        var guard = new GuardedSigner(key, state, "c");
        Assert.NotNull(guard.TrySign(VoteAt(5, 0)));
        counter.Value = 1;
        SignerException error = Assert.Throws<SignerException>(() => guard.TrySign(VoteAt(1000, 0)));
        Assert.Contains("said 2 before", error.Message, StringComparison.Ordinal);
        Assert.Equal(5, log.Last!.Height.Value);
    }

    private int starts;

    // One start of a node, with its first signature.
    private void SignOnce(SignStateLog log, MemoryCounter counter)
    {
        using CountedSignState state = CountedSignState.Attach(Epoch, log, counter);
        Vote vote = VoteAt((log.Last?.Height.Value ?? 0) + 1, (byte)starts++);
        Assert.NotNull(new GuardedSigner(key, state, "c").TrySign(vote));
    }

    private string Epoch => Path.Combine(folder, "sign-epoch");

    private SignStateLog OpenLog() => SignStateLog.Open(Path.Combine(folder, "sign"), key.PublicKey.Account);

    private Vote VoteAt(long height, byte block, int round = 0, VoteType type = VoteType.Prevote) =>
        new(type, new Height(height), round, Hash256.Of([block]), key.PublicKey.Account);

    private sealed class FailingState(ISignState inner) : ISignState
    {
        public Exception? FailNext { get; set; }

        public SignRecord? Last => inner.Last;

        public void Append(SignRecord record)
        {
            if (FailNext is { } error)
            {
                FailNext = null;
                throw error;
            }

            inner.Append(record);
        }

        public IReadOnlyList<SignRecord> At(Height height) => inner.At(height);
    }

    private sealed class MemoryCounter : IMonotonicCounter
    {
        public long Value { get; set; }

        public int Step { get; init; } = 1;

        public bool FailIncrement { get; set; }

        public bool LosesAnswer { get; set; }

        public long CounterMax => 2_097_151;

        public long ReadCounter() => Value;

        public long IncrementCounter()
        {
            if (FailIncrement)
            {
                throw new SignerException("away");
            }

            Value += LosesAnswer ? 3 : Step;
            return LosesAnswer ? throw new SignerException("damaged") : Value;
        }
    }
}
