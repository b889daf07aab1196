public class UsesTask { private static async void Run() { } }
