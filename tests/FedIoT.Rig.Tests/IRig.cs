using System.Net;

namespace FedIoT.Rig.Tests;

/// <summary>A gateway that somebody else's power switch, console and network reach.</summary>
internal interface IRig : IAsyncDisposable
{
    /// <summary>"fake", or "real" and the file that describes it; part of every test's name.</summary>
    string Name { get; }

    /// <summary>The board's console.</summary>
    UartLog Uart { get; }

    /// <summary>Where devices connect.</summary>
    DnsEndPoint Mqtt { get; }

    /// <summary>How long the board takes from power to its ready line, at most.</summary>
    TimeSpan BootMax { get; }

    /// <summary>Makes the board what it is at the factory: writes the card, or makes the folder.</summary>
    Task PrepareAsync();

    /// <summary>Switches the power on; the board boots by itself.</summary>
    Task PowerOnAsync();

    /// <summary>Takes the power away, whatever the board does.</summary>
    Task CutPowerAsync();

    /// <summary>Runs a verb of <c>fediot</c> on the board.</summary>
    Task<(int ExitCode, string Output)> VerbAsync(params string[] arguments);

    /// <summary>Reads a small text file of the gateway's folder on the board.</summary>
    Task<string> ReadAsync(string file);
}
