namespace FedIoT.Gateway.Cli;

/// <summary>Exit codes of every verb.</summary>
public static class ExitCode
{
    /// <summary>Done, and everything held.</summary>
    public const int Success = 0;

    /// <summary>It ran, but something did not hold, or the machine refused something.</summary>
    public const int Failure = 1;

    /// <summary>The command line or an input file is wrong; nothing was started.</summary>
    public const int BadInput = 2;

    /// <summary>Stopped by Ctrl-C.</summary>
    public const int Interrupted = 130;
}
