namespace FedIoT.Gateway.Configuration;

/// <summary>One thing that is wrong in a file: where, what stands there, what is expected.</summary>
/// <param name="Place">Where.</param>
/// <param name="Message">One sentence.</param>
internal sealed record ConfigurationProblem(TextPlace Place, string Message)
{
    /// <summary>The form that editors jump to: <c>file:line:column: error: message</c>.</summary>
    public override string ToString() => $"{Place}: error: {Message}";
}
