public interface UsesInterfaceBody { int Value() { return 1; } }
