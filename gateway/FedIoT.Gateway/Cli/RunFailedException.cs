namespace FedIoT.Gateway.Cli;

/// <summary>
/// A verb could not do what it was asked for although its input was right. The message is one line for the user; the
/// process ends with <see cref="ExitCode.Failure"/>.
/// </summary>
public sealed class RunFailedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public RunFailedException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
