using System.CommandLine;
using System.Text.Json.Nodes;
using FedIoT.Consensus;
using FedIoT.Gateway.Cli;
using FedIoT.Signing;
using FedIoT.Signing.Atecc608;

namespace FedIoT.Gateway.Keys;

/// <summary>
/// The verb <c>fediot keys lock-chip</c>: shows an ATECC608's state, and takes it through its locks when the chip's
/// serial number is given as the confirmation.
/// </summary>
public static class ChipCommand
{
    private static readonly Argument<string> Signer = new("SIGNER")
    {
        Description = "atecc608:bus=N;address=0x60;slot=N, where the node key is to be",
    };

    private static readonly Option<string?> Confirm = new("--confirm")
    {
        Description = "The chip's serial number: do it, for ever. Without it the state is shown and nothing is done",
        HelpName = "SERIAL",
    };

    private static readonly Option<bool> LocksSlot = new("--slot")
    {
        Description = "Lock the slot and the attestation key's too: nobody can ever replace their keys, which have to "
            + "be there",
    };

    /// <summary>The verb.</summary>
    /// <param name="open">Opens the chip on a bus, at an address.</param>
    public static Command Create(Func<int, int, Atecc608Chip> open)
    {
        ArgumentNullException.ThrowIfNull(open);
        var command = new Command(
            "lock-chip",
            """
            Configures and locks an ATECC608 for a node key. Locks are for ever.
            Shows the chip's state. With --confirm: writes what the slot and the attestation key's are for, locks the
            configuration with its checksum, locks the data zone. Interrupted, or on a chip that is locked, it does
            what is left.

            Examples:
              fediot keys lock-chip "atecc608:bus=1;slot=0"
              fediot keys lock-chip "atecc608:bus=1;slot=0" --confirm 0123a1b2c3d4e5f6ee
              fediot keys lock-chip "atecc608:bus=1;slot=0" --slot --confirm 0123a1b2c3d4e5f6ee
            """)
        {
            Signer, Confirm, LocksSlot, VerbAnswer.Json,
        };
        command.SetAction(parsed => Run(parsed, open));
        return command;
    }

    private static int Run(ParseResult parsed, Func<int, int, Atecc608Chip> open)
    {
        string text = parsed.GetRequiredValue(Signer);
        if (!SignerAddress.TryParse(text, out SignerAddress? address, out string problem))
        {
            throw new InputException($"SIGNER: {problem}");
        }

        Atecc608Address place = address!.Atecc608
            ?? throw new InputException("SIGNER: only an ATECC608 has locks; expected atecc608:bus=N;slot=N");
        var done = new List<Atecc608Step>();
        try
        {
            using Atecc608Chip chip = open(place.Bus, place.Address);
            var setup = Atecc608Setup.Read(chip, place.Slot, parsed.GetValue(LocksSlot));
            if (setup.Obstacle is null && parsed.GetValue(Confirm) == setup.SerialNumber)
            {
                while (setup.Steps.Count > 0)
                {
                    done.Add(setup.RunNext());
                }
            }

            Write(parsed, text, place.Slot, setup, done);
            return Judge(text, parsed.GetValue(Confirm), setup);
        }
        catch (SignerException e)
        {
            throw new RunFailedException(
                e.Message + (done.Count == 0 ? string.Empty : $" Done before: {Sentence(done)}."), e);
        }
    }

    private static int Judge(string signer, string? confirmed, Atecc608Setup setup)
    {
        if (setup.Obstacle is { } obstacle)
        {
            throw new RunFailedException($"chip {setup.SerialNumber}: {obstacle}. Nothing was done");
        }

        return setup.Steps.Count == 0 ? ExitCode.Success
            : confirmed is null ? throw new InputException(
                $"nothing was done. {Sentence(setup.Steps)}: for ever. To do it: fediot keys lock-chip "
                + $"\"{signer}\" {(LocksASlot(setup.Steps) ? "--slot " : string.Empty)}"
                + $"--confirm {setup.SerialNumber}")
            : throw new InputException(
                $"--confirm is '{confirmed}', and this chip is {setup.SerialNumber}; nothing was done");
    }

    private static void Write(
        ParseResult parsed, string signer, int number, Atecc608Setup setup, List<Atecc608Step> done)
    {
        Atecc608Slot slot = setup.Slot;
        string text =
            $"""
            signer     {signer}
            serial     {setup.SerialNumber}, revision {setup.Revision}
            locked     configuration {YesNo(slot.ConfigLocked)}, data {YesNo(slot.DataLocked)}, slot {number} {YesNo(
                slot.IsLocked)}
            node key   {slot.Problem ?? "may live there: fediot keys create, then init --node-key"}
            done       {(done.Count == 0 ? "nothing" : Sentence(done))}
            left       {(setup.Steps.Count == 0 ? "nothing" : Sentence(setup.Steps))}
            """;
        var json = new JsonObject
        {
            ["schema"] = KeyReport.Schema,
            ["verb"] = "lock-chip",
            ["signer"] = signer,
            ["serial"] = setup.SerialNumber,
            ["revision"] = setup.Revision,
            ["configurationLocked"] = slot.ConfigLocked,
            ["dataLocked"] = slot.DataLocked,
            ["slotLocked"] = slot.IsLocked,
            ["problem"] = setup.Obstacle ?? slot.Problem,
            ["done"] = new JsonArray([.. done.Select(s => (JsonNode?)JsonValue.Create(Name(s)))]),
            ["left"] = new JsonArray([.. setup.Steps.Select(s => (JsonNode?)JsonValue.Create(Name(s)))]),
        };
        parsed.InvocationConfiguration.Output.WriteLine(
            parsed.GetValue(VerbAnswer.Json) ? VerbAnswer.ToLine(json) : text);
    }

    private static bool LocksASlot(IReadOnlyList<Atecc608Step> steps) =>
        steps.Any(s => s is Atecc608Step.LockSlot or Atecc608Step.LockAttestationSlot);

    private static string YesNo(bool isLocked) => isLocked ? "yes" : "no";

    private static string Sentence(IEnumerable<Atecc608Step> steps) => string.Join(", ", steps.Select(Name));

    private static string Name(Atecc608Step step) => step switch
    {
        Atecc608Step.WriteConfiguration => "write the slots' configuration",
        Atecc608Step.LockConfiguration => "lock the configuration zone",
        Atecc608Step.LockData => "lock the data zone",
        Atecc608Step.LockSlot => "lock the slot with its key",
        Atecc608Step.LockAttestationSlot => "lock the attestation slot with its key",
        _ => throw new ArgumentOutOfRangeException(nameof(step)),
    };
}
