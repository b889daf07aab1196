namespace FedIoT.Gateway.Cli;

/// <summary>
/// What the user gave is wrong. The message is one line that names the file or option, the value and the next step;
/// the process ends with <see cref="ExitCode.BadInput"/> and no stack trace.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>Creates the exception.</summary>
    public InputException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
