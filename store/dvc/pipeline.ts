import { byCodePoint } from '../../contract/codepoints.ts';
import { FILE, isLoop, KEY, type DvcItem, type DvcPipeline, type DvcStage } from './stage.ts';
import { toYaml } from './yaml.ts';

/**
 * dvc.yaml (https://dvc.org/doc/user-guide/project-structure/dvcyaml-files). A loop is a `foreach` over
 * a mapping, so that its stages are called `name@key` whatever their files are called; the arguments
 * common to all commands are a variable, so that the commands can be read.
 * @param comment one line that stands at the top
 */
export function dvcYaml(pipeline: DvcPipeline, comment: string): string {
  const { settings, stages, metrics, plots } = pipeline;
  const document = {
    vars: [{ settings }],
    stages: Object.fromEntries(
      stages.map((stage) => [
        stage.name,
        isLoop(stage)
          ? {
              foreach: Object.fromEntries(stage.stages.map(({ key, file }) => [key, file])),
              do: declared(stage.form),
            }
          : declared(stage),
      ]),
    ),
    ...(metrics.length === 0 ? {} : { metrics }),
    ...(plots.length === 0 ? {} : { plots: plots.map(({ path, ...look }) => ({ [path]: look })) }),
  };
  return toYaml(document, comment);
}

function declared({ command, deps, params, outs }: DvcStage): unknown {
  const read = Object.keys(params).sort(byCodePoint);
  return {
    cmd: `${templated(command)} \${settings}`,
    ...(deps.length === 0 ? {} : { deps: pathsOf(deps) }),
    ...(read.length === 0 ? {} : { params: read }),
    outs: pathsOf(outs),
  };
}

function pathsOf(items: readonly DvcItem[]): string[] {
  return items.map(({ path }) => templated(path)).sort(byCodePoint);
}

/** Text of ours in DVC's template: its own `${` is escaped, our places become its variables. */
function templated(text: string): string {
  return text.replaceAll('${', '\\${').replaceAll(KEY, '${key}').replaceAll(FILE, '${item}');
}
