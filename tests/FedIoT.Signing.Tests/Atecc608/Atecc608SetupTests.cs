using System.CommandLine;
using System.Text.Json;
using FedIoT.Consensus;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Keys;
using FedIoT.Signing.Atecc608;
using Xunit;

namespace FedIoT.Signing.Tests.Atecc608;

/// <summary>From a chip as it leaves the factory to one that signs for ever with one key, as it is typed.</summary>
public sealed class Atecc608SetupTests : IDisposable
{
    private const string Serial = "0123a1b2c3d4e5f6ee";
    private readonly ChipClock clock = new();
    private readonly FakeAtecc608 chip;

    public Atecc608SetupTests()
    {
        chip = new FakeAtecc608(clock);
        chip.MakeFactoryFresh();
    }

    public void Dispose() => chip.Dispose();

    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 4)]
    [InlineData(15, 0)]
    public void LockChip_FactoryFresh_IsFitForAKeyAndSaysSo(int slot, int attester)
    {
        const string Expected = "write the slots' configuration|lock the configuration zone|lock the data zone";
        byte[] before = [.. chip.Configuration];
        JsonElement locked = RunJson(ExitCode.Success, slot, "--confirm", Serial);
        Assert.Equal(Expected, Texts(locked, "done"));
        Assert.Equal(string.Empty, Texts(locked, "left"));
        Assert.Equal(JsonValueKind.Null, locked.GetProperty("problem").ValueKind);
        Assert.True(locked.GetProperty("configurationLocked").GetBoolean());
        Assert.True(locked.GetProperty("dataLocked").GetBoolean());
        Assert.False(locked.GetProperty("slotLocked").GetBoolean());
        Assert.Equal((byte)0x83, chip.Configuration[20 + (2 * slot)]);
        Assert.Equal((byte)0x33, chip.Configuration[96 + (2 * slot)]);
        int[] changed = [.. Enumerable.Range(0, 128).Where(i => before[i] != chip.Configuration[i])];
        HashSet<int> permitted = [86, 87, .. Entries(slot), .. Entries(attester)];
        Assert.Subset(permitted, changed.ToHashSet());

        using Atecc608Signer signer = Atecc608Signer.Create(Driver(), slot);
        var signature = new byte[64];
        signer.Sign("m"u8, signature);
        Assert.True(signer.PublicKey.Verify("m"u8, signature));
        using Atecc608Chip driver = Driver();
        Assert.True(driver.ReadSlot(attester).AttestsOnly);
        Assert.Equal(64, driver.ReadPublicKey(attester).Length); // made with the node key

        static int[] Entries(int of) => [20 + (2 * of), 21 + (2 * of), 96 + (2 * of), 97 + (2 * of)];
    }

    [Fact]
    public void LockChip_WithoutConfirmation_TellsTheStateAndTouchesNothing()
    {
        byte[] before = [.. chip.Configuration];
        (string output, InputException refusal) = Refused(3);
        Assert.Contains($"serial     {Serial}, revision 00006003", output, StringComparison.Ordinal);
        Assert.Contains("locked     configuration no, data no, slot 3 no", output, StringComparison.Ordinal);
        Assert.Contains("for ever", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(
            $"fediot keys lock-chip \"atecc608:bus=1;slot=3\" --confirm {Serial}", refusal.Message,
            StringComparison.Ordinal);
        Assert.Equal(before, chip.Configuration);

        (_, refusal) = Refused(3, "--confirm", "0123a1b2c3d4e5f6ef");
        Assert.Contains($"this chip is {Serial}; nothing was done", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(before, chip.Configuration);
    }

    [Fact]
    public void LockChip_Repeated_DoesNothingMoreAndNeedsNoConfirmation()
    {
        Run(ExitCode.Success, 0, "--confirm", Serial);
        byte[] before = [.. chip.Configuration];
        Assert.Contains("left       nothing", Run(ExitCode.Success, 0), StringComparison.Ordinal);
        Assert.Equal(string.Empty, Texts(RunJson(ExitCode.Success, 0, "--confirm", Serial), "done"));
        Assert.Equal(before, chip.Configuration);
    }

    [Fact]
    public void LockChip_InterruptedBetweenTheLocks_GoesOn()
    {
        chip.Configuration[87] = 0; // slot 0 came configured as it has to be
        Assert.Equal("lock the data zone", Texts(RunJson(ExitCode.Success, 0, "--confirm", Serial), "done"));
    }

    [Fact]
    public void LockChip_ConfiguredForSomethingElse_IsRefusedBeforeTheDataLock()
    {
        chip.Configuration[87] = 0;
        var error = Assert.Throws<RunFailedException>(() => Run(0, 3, "--confirm", Serial));
        Assert.Contains("not configured for a secret P-256", error.Message, StringComparison.Ordinal);
        Assert.Contains("locked for ever", error.Message, StringComparison.Ordinal);
        Assert.Equal((byte)0x55, chip.Configuration[86]);
    }

    [Fact]
    public void LockChip_SlotToo_NeedsAKeyAndKeepsItForEver()
    {
        Run(ExitCode.Success, 0, "--confirm", Serial);
        var error = Assert.Throws<RunFailedException>(() => Run(0, 0, "--slot", "--confirm", Serial));
        Assert.Contains("holds no key yet", error.Message, StringComparison.Ordinal);
        using (Atecc608Signer made = Atecc608Signer.Create(Driver(), 0))
        {
            (_, InputException refusal) = Refused(0, "--slot");
            Assert.Contains($"--slot --confirm {Serial}", refusal.Message, StringComparison.Ordinal);
            Assert.Equal(
                "lock the slot with its key|lock the attestation slot with its key",
                Texts(RunJson(ExitCode.Success, 0, "--slot", "--confirm", Serial), "done"));
            using Atecc608Signer opened = Atecc608Signer.Open(Driver(), 0);
            Assert.Equal(made.PublicKey, opened.PublicKey);
        }

        var replaced = Assert.Throws<SignerException>(() => Atecc608Signer.Create(Driver(), 0));
        Assert.Contains("it is locked with its key", replaced.Message, StringComparison.Ordinal);
        Assert.True(RunJson(ExitCode.Success, 0, "--slot").GetProperty("slotLocked").GetBoolean());
    }

    [Theory]
    [InlineData(0x12, ChipFault.WrongCrc)] // the answer is lost: it is repeated, and the same is written twice
    [InlineData(0x12, ChipFault.Nack)]
    [InlineData(0x17, ChipFault.WrongCrc)] // the lock took, its repetition is refused: what the chip says then counts
    [InlineData(0x17, ChipFault.DamagedCommand)]
    [InlineData(0x17, ChipFault.WatchdogSleep)]
    public void LockChip_BusFaultInAStep_EndsLocked(byte opcode, ChipFault fault)
    {
        chip.FaultyOpcode = opcode;
        chip.Inject(fault, 1);
        Assert.Contains("left       nothing", Run(ExitCode.Success, 3, "--confirm", Serial), StringComparison.Ordinal);
        using Atecc608Chip driver = Driver();
        Assert.Null(driver.ReadSlot(3).Problem);
    }

    [Fact]
    public void LockChip_WriteThatDidNotTake_LocksNothing()
    {
        chip.Inject(ChipFault.WriteIsLost, int.MaxValue);
        var error = Assert.Throws<RunFailedException>(() => Run(0, 3, "--confirm", Serial));
        Assert.Contains("did not do it", error.Message, StringComparison.Ordinal);
        Assert.Equal((byte)0x55, chip.Configuration[87]);
        Assert.Equal((byte)0x55, chip.Configuration[86]);
    }

    [Fact]
    public void LockChip_LockNotAcknowledged_SaysWhatWasDoneBeforeAndGoesOnLater()
    {
        chip.FaultyOpcode = 0x17;
        chip.Inject(ChipFault.Nack, int.MaxValue);
        var error = Assert.Throws<RunFailedException>(() => Run(0, 3, "--confirm", Serial));
        Assert.Contains("does not acknowledge Lock", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Done before: write the slots' configuration.", error.Message, StringComparison.Ordinal);
        chip.Heal();
        Assert.Equal(
            "lock the configuration zone|lock the data zone",
            Texts(RunJson(ExitCode.Success, 3, "--confirm", Serial), "done"));
    }

    [Theory]
    [InlineData("file:node.key", "only an ATECC608 has locks")]
    [InlineData("atecc608:bus=x", "bus= is 'x'")]
    public void LockChip_AddressOfSomethingElse_IsRefused(string address, string expected)
    {
        var error = Assert.Throws<InputException>(() => Invoke(new StringWriter(), address));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void List_ChipThatIsNotLocked_IsOneLineWithTheNextStep()
    {
        ListedKey listed = Assert.Single(KeySearch.InChip(1, Driver));
        Assert.Contains(Serial, listed.Problem, StringComparison.Ordinal);
        Assert.Contains("fediot keys lock-chip", listed.Problem, StringComparison.Ordinal);
        Run(ExitCode.Success, 0, "--confirm", Serial);
        Atecc608Signer.Create(Driver(), 0).Dispose();
        ListedKey[] slots = [.. KeySearch.InChip(1, Driver)];
        Assert.Equal(16, slots.Length);
        Assert.Equal("atecc608:bus=1;slot=0", Assert.Single(slots, s => s.Key is not null).Signer);
        chip.Inject(ChipFault.StuckBus, 1);
        Assert.Contains("does not wake", Assert.Single(KeySearch.InChip(1, Driver)).Problem, StringComparison.Ordinal);
    }

    private Atecc608Chip Driver() => new(chip.Chip, chip.WakeLine, clock);

    private (string Output, InputException Refusal) Refused(int slot, params string[] options)
    {
        using var output = new StringWriter();
        var refusal = Assert.Throws<InputException>(() => Invoke(output, $"atecc608:bus=1;slot={slot}", options));
        return (output.ToString(), refusal);
    }

    private JsonElement RunJson(int expected, int slot, params string[] options) =>
        JsonDocument.Parse(Run(expected, slot, [.. options, "--json"])).RootElement;

    private string Run(int expected, int slot, params string[] options)
    {
        using var output = new StringWriter();
        Assert.Equal(expected, Invoke(output, $"atecc608:bus=1;slot={slot}", options));
        return output.ToString();
    }

    private int Invoke(StringWriter output, string address, params string[] options)
    {
        ParseResult parsed = ChipCommand.Create((_, _) => Driver()).Parse([address, .. options]);
        Assert.Empty(parsed.Errors);
        return parsed.Invoke(new InvocationConfiguration { Output = output, EnableDefaultExceptionHandler = false });
    }

    private static string Texts(JsonElement json, string name) =>
        string.Join('|', json.GetProperty(name).EnumerateArray().Select(e => e.GetString()));
}
