namespace FedIoT.Simulation;

/// <summary>An invariant is broken: the message names the seed, the scenario and the virtual time.</summary>
public sealed class SimulationException(string message) : Exception(message);
