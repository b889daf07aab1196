namespace FedIoT.Gateway.Demo;

/// <summary>Where a running demo tells what it does. Calls come one after the other.</summary>
public interface IDemoView
{
    /// <summary>A stage begins: "4 gateways up", "streaming".</summary>
    void Stage(string text);

    /// <summary>Progress of the current stage; called several times a second at most.</summary>
    void Progress(string text);

    /// <summary>A round closed.</summary>
    void RoundClosed(DemoRound round);
}
